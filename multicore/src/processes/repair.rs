//! Putting the region back in order after a death. Works from the state words alone; the hints are
//! made anew from them.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use crate::processes::clock;
use crate::processes::ledger;
use crate::processes::queue;
use crate::processes::worker::{wake_sleepers, wake_waiters, wake_watcher};
use crate::report::{Report, WireExit};
use crate::shm::note::wipe;
use crate::shm::region::Region;
use crate::shm::window::WindowWriter;
use crate::shm::word::{Phase, Requeued, Settled, State, Word};
use crate::sys::fault::point;
use crate::sys::futex;

/// Why the supervisor ended a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    TimedOut { nanoseconds: u64 },
    Cancelled,
}

/// A worker's death.
pub(crate) struct Death {
    pub(crate) worker: u16,
    pub(crate) pid: i32,
    pub(crate) exit: WireExit,
    /// Whether the call whose word says that it runs had begun: in a sandboxed pool it may only have been
    /// handed out.
    pub(crate) begun: bool,
    /// What it said last: the message of a panic that aborted it.
    pub(crate) words: Option<String>,
    /// What its call said last of where it is.
    pub(crate) breadcrumb: Option<String>,
    pub(crate) cause: Option<Cause>,
    pub(crate) cpu: Duration,
    pub(crate) peak_memory: u64,
}

impl Death {
    /// A worker that went with its supervisor, so that nobody saw how.
    pub(crate) fn unseen(region: &Region, worker: u16) -> Death {
        let breadcrumb = region.worker(usize::from(worker)).breadcrumb.get();
        let (exit, cpu) = (WireExit::Unknown, Duration::ZERO);
        let (words, cause) = (None, None);
        Death { worker, pid: 0, exit, begun: true, words, breadcrumb, cause, cpu, peak_memory: 0 }
    }
}

impl Drop for Death {
    /// Other workers are forked from this process, and are not to find what this one said.
    fn drop(&mut self) {
        [self.words.take(), self.breadcrumb.take()].into_iter().flatten().for_each(wipe);
    }
}

/// Whether any call waits for a worker.
pub(crate) fn any_ready(region: &Region) -> bool {
    states(region).any(|state| state.phase() == Some(Phase::Ready))
}

/// As [`any_ready`], for one that may run `background` calls or not.
pub(crate) fn any_ready_for(region: &Region, background: bool) -> bool {
    let fit = |state: State| background || !state.is_background();
    states(region).any(|state| state.phase() == Some(Phase::Ready) && fit(state))
}

/// Whether a call runs that is this worker's, by its word.
pub(crate) fn runs(region: &Region, worker: u16) -> bool {
    states(region).any(|state| state.phase() == Some(Phase::Running) && state.owner() == worker)
}

fn states(region: &Region) -> impl Iterator<Item = State> {
    (0..region.geometry().slots).map(|slot| region.slot(slot).state.state())
}

/// Gives a dead worker's unbegun calls to others, settles the one that had begun, and makes the hints
/// anew.
pub(crate) fn after_death(region: &Region, death: &Death) {
    // Else a publisher would wake it, or its replacement that is still starting, in place of somebody
    // who really sleeps.
    region.lookout().forget(usize::from(death.worker));
    region.tally(usize::from(death.worker)).cut_off(clock::now());
    for slot in 0..region.geometry().slots {
        let state = region.slot(slot).state.state();
        let mine = state.owner() == death.worker;
        match state.phase() {
            Some(Phase::Claimed) if mine => give_back(region, slot, death),
            Some(Phase::Running) if mine && !death.begun => give_back(region, slot, death),
            Some(Phase::Running) if mine => settle(region, slot, death),
            _ => {}
        }
    }
    renew_hints(region);
    wake_clients(region);
}

/// The call had not begun.
pub(super) fn give_back(region: &Region, slot: usize, death: &Death) {
    match region.slot(slot).state.requeue(death.worker, false) {
        Requeued::Ready => queue::look_back(region, slot),
        Requeued::TooOften => fail(region, slot, death, false),
        Requeued::NotMine => {}
    }
    point("requeued");
}

/// The call had begun: it is over, unless it may be run again.
fn settle(region: &Region, slot: usize, death: &Death) {
    let header = region.slot(slot);
    let retries = header.retries.load(Relaxed);
    if retries > 0 {
        header.retries.store(retries - 1, Relaxed);
        // It may have failed, and been too late with it.
        header.verdict.store(0, Relaxed);
        if header.state.requeue(death.worker, true) == Requeued::Ready {
            return queue::look_back(region, slot);
        }
    }
    fail(region, slot, death, true);
}

fn fail(region: &Region, slot: usize, death: &Death, started: bool) {
    let report = match death.cause {
        Some(Cause::TimedOut { nanoseconds }) if started => {
            Report::TimedOut { nanoseconds, breadcrumb: death.breadcrumb.clone() }
        }
        // However its worker ended: nobody wants to know.
        _ if region.slot(slot).state.state().cancelled() => Report::Cancelled,
        _ => Report::Died {
            pid: death.pid,
            exit: death.exit,
            started,
            message: death.words.clone(),
            // A call that had not begun said nothing.
            breadcrumb: death.breadcrumb.clone().filter(|_| started),
            cpu: death.cpu,
            peak_memory: death.peak_memory,
        },
    };
    let header = region.slot(slot);
    let mut store = region.result_store(slot);
    let mut out = WindowWriter::new(&mut store, region.geometry().window);
    report.put(&header, &mut out);
    report.wipe();
    // Nobody has asked how long it waited.
    header.published.store(0, Relaxed);
    if header.state.state().is_background() {
        ledger::close(region, slot, usize::from(death.worker));
    }
    if header.state.state().detached() {
        region.cool(slot, &AtomicU64::new(header.arguments_len.load(Relaxed)));
    }
    if let Settled::Freed { .. } = header.state.bury(death.worker) {
        region.free().insert(slot);
    }
    point("settled");
}

/// Sets every hint that a dead process may have held in its hand.
///
/// A bit too many costs a look; the word decides.
pub(crate) fn renew_hints(region: &Region) {
    for slot in 0..region.geometry().slots {
        let word = region.slot(slot).state.state();
        match word.phase() {
            Some(Phase::Ready) => queue::remind(region, slot, word),
            Some(Phase::Free) => region.free().insert(slot),
            _ => {}
        }
    }
}

/// Has every worker look for work, whoever was told to wake it and did not.
pub(crate) fn wake_workers(region: &Region) {
    (0..region.geometry().workers).for_each(|worker| wake_worker(region, worker));
}

/// As [`wake_workers`], one of them.
pub(crate) fn wake_worker(region: &Region, worker: usize) {
    let record = region.worker(worker);
    record.wake.fetch_add(1, SeqCst);
    futex::wake(&record.wake, i32::MAX);
}

/// Wakes everybody in the client: the dead process may have been about to.
pub(crate) fn wake_clients(region: &Region) {
    for slot in 0..region.geometry().slots {
        if region.slot(slot).state.state().waiting() {
            wake_waiters(region, slot);
        }
    }
    // It may have silenced the bell and woken nobody.
    region.watch().ring();
    wake_watcher(region);
    wake_sleepers(region);
}
