//! Looking at a pool of threads, and waiting for any of its calls.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::Desk;
use super::calls::Seat;
use crate::pool::state::PoolState;
use crate::stats::Stats;

impl Desk {
    /// Waits until `done`, which looks at calls here, or until the moment; whether it is so.
    pub(crate) fn wait_for_any(&self, until: Option<Instant>, mut done: impl FnMut() -> bool) -> bool {
        if !self.is_here() {
            // A fork of the client: the outcomes belong to the parent, and taking them says so.
            return true;
        }
        // A call settles under the lock, so none does between this look and the sleep.
        let mut calls = self.calls();
        while !done() {
            match self.sleep(calls, until) {
                Some(awake) => calls = awake,
                None => return false,
            }
        }
        true
    }

    /// So many bytes of a result were collected.
    pub(in crate::threads) fn collected(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Relaxed);
    }

    /// What was done here.
    pub(crate) fn stats(&self) -> Stats {
        if !self.is_here() {
            return Stats::default();
        }
        let calls = self.calls();
        let running = calls.seats.iter().filter(|seat| seat.runs()).count();
        let mut stats = calls.count.stats(calls.queue.len(), running, self.received.load(Relaxed));
        stats.workers = calls.seats.iter().map(Seat::stats).collect();
        stats
    }

    /// What each thread does now.
    pub(crate) fn look(&self) -> PoolState {
        if !self.is_here() {
            return PoolState { queued: 0, workers: Vec::new() };
        }
        let calls = self.calls();
        PoolState { queued: calls.queue.len(), workers: calls.seats.iter().map(Seat::look).collect() }
    }
}
