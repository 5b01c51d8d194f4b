//! When a background call began and ended, and how far it said that it came.
//!
//! Only calls of that class have it taken down, so no other pays for it. Written by whoever begins the call,
//! after the swap, or finishes or buries it, before the swap; read by the client, to whom it is a worker's word like any other.

use std::sync::atomic::Ordering::Relaxed;

use crate::processes::clock;
use crate::shm::region::Region;
use crate::shm::steps::{self, Sight};
use crate::shm::word::Word;

/// What an account says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// Nanoseconds on the monotonic clock, if it has begun.
    pub(crate) started: Option<u64>,
    /// As `started`, once it is over.
    pub(crate) finished: Option<u64>,
    /// What it said last, without the message.
    pub(crate) last: Option<Sight>,
}

/// Client, before the call is published: nothing has happened.
pub(in crate::processes) fn open(region: &Region, slot: usize) {
    let account = region.account(slot);
    for word in [&account.started, &account.finished, &account.reported, &account.done, &account.total] {
        word.store(0, Relaxed);
    }
}

/// The call in this slot has begun.
#[cold]
pub(in crate::processes) fn begin(region: &Region, slot: usize) {
    region.account(slot).started.store(clock::now(), Relaxed);
}

/// The call in this slot, which this worker ran, is over.
#[cold]
pub(in crate::processes) fn close(region: &Region, slot: usize, worker: usize) {
    let account = region.account(slot);
    let generation = region.slot(slot).state.state().generation();
    if let Some((done, total)) = region.worker(worker).steps.counts(steps::name(slot, generation)) {
        account.done.store(done, Relaxed);
        account.total.store(total, Relaxed);
        account.reported.store(1, Relaxed);
    }
    account.finished.store(clock::now(), Relaxed);
}

/// What the account of this slot says.
pub(in crate::processes) fn read(region: &Region, slot: usize) -> Entry {
    let account = region.account(slot);
    let moment = |nanoseconds: u64| (nanoseconds != 0).then_some(nanoseconds);
    let (done, total) = (account.done.load(Relaxed), account.total.load(Relaxed));
    Entry {
        started: moment(account.started.load(Relaxed)),
        finished: moment(account.finished.load(Relaxed)),
        last: (account.reported.load(Relaxed) != 0).then_some(Sight { done, total, message: None }),
    }
}
