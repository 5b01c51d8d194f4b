//! What the processes of a pool do at the moment.

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::{Duration, Instant};

use crate::pool::state::{PoolState, WorkerState};
use crate::processes::client::Client;
use crate::processes::client::patrol::ROUND;
use crate::registry::registry;
use crate::shm::region::Region;
use crate::shm::word::{Phase, Word};

impl Client {
    pub(crate) fn seen(&self) -> PoolState {
        self.wait_for_look();
        look(&self.region)
    }

    /// Workers of a sandboxed pool say what they do to the supervisor alone, which passes it on when it
    /// looks: has it look now.
    fn wait_for_look(&self) {
        if self.bell.is_none() {
            return;
        }
        let looks = &self.region.head().looks;
        let (before, start) = (looks.load(Acquire), Instant::now());
        self.ring();
        // It may be dead: what it saw last is as good as anything then.
        while looks.load(Acquire) == before && start.elapsed() < ROUND {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

pub(super) fn look(region: &Region) -> PoolState {
    let geometry = region.geometry();
    let ready = |slot: &usize| region.slot(*slot).state.state().phase() == Some(Phase::Ready);
    PoolState {
        queued: (0..geometry.slots).filter(ready).count(),
        workers: (0..geometry.workers).map(|index| look_at(region, index)).collect(),
    }
}

fn look_at(region: &Region, index: usize) -> WorkerState {
    let record = region.worker(index);
    let pid = record.pid.load(Acquire) as i32;
    let task = running(region, index);
    WorkerState {
        pid: (pid > 0).then_some(pid),
        calls: record.calls.load(Relaxed),
        breadcrumb: task.and_then(|_| record.breadcrumb.get()),
        task,
    }
}

/// The task that a worker runs, by name.
fn running(region: &Region, index: usize) -> Option<&'static str> {
    let slot = (region.worker(index).current.load(Relaxed) as usize).checked_sub(1)?;
    let header = (slot < region.geometry().slots).then(|| region.slot(slot))?;
    let state = header.state.state();
    if state.phase() != Some(Phase::Running) || usize::from(state.owner()) != index {
        return None;
    }
    registry().ok()?.find(header.task.load(Relaxed)).map(|entry| entry.name())
}
