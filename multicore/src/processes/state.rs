//! What a pool does at the moment, as far as it can be seen from outside.

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::{Duration, Instant};

use crate::pool::{Place, Pool};
use crate::processes::client::Client;
use crate::processes::client::patrol::ROUND;
use crate::registry::registry;
use crate::shm::region::Region;
use crate::shm::word::{Phase, Word};

/// A look at a pool. Everything moves on while it is taken; each part was true at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolState {
    /// Calls that wait for a worker.
    pub queued: usize,
    /// Each worker, by its number; empty where calls run in this process.
    pub workers: Vec<WorkerState>,
}

/// A look at one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerState {
    /// Its process; `None` while it is being replaced.
    pub pid: Option<i32>,
    /// Calls that it has begun.
    pub calls: u64,
    /// The name of the task that it runs; `None` while it is idle.
    pub task: Option<&'static str>,
    /// What the call that it runs said last of where it is, by [`breadcrumb`](crate::breadcrumb()).
    pub breadcrumb: Option<String>,
}

impl Pool {
    /// What each worker does now. Costs a few microseconds; in a sandboxed pool up to 100 ms, where its
    /// supervisor does not answer.
    ///
    /// ```
    /// let pool = multicore::Pool::builder().workers(2).build()?;
    /// assert_eq!(pool.state().workers.len(), 2);
    /// # Ok::<(), multicore::Error>(())
    /// ```
    pub fn state(&self) -> PoolState {
        match self.backend.place() {
            Place::Workers(client) => {
                client.wait_for_look();
                look(&client.region)
            }
            Place::Here { .. } => PoolState { queued: 0, workers: Vec::new() },
        }
    }
}

impl Client {
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
