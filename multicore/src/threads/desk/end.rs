//! How a pool of threads begins and ends.

use std::time::Instant;

use super::calls::{Presence, Standing};
use super::{Desk, wake};
use crate::threads::work::Outcome;

impl Desk {
    /// Takes no further call, and waits until those that it has are finished, at most until the moment. What is
    /// not finished by then is closed to its callers.
    pub(in crate::threads) fn close(&self, until: Option<Instant>) {
        let mut calls = self.calls();
        if calls.standing == Standing::Closed {
            return;
        }
        calls.standing = Standing::Closing;
        let line = self.tell(&calls);
        drop(calls);
        wake(line);
        calls = self.calls();
        while calls.under_way > 0 {
            match self.sleep(calls, until) {
                Some(awake) => calls = awake,
                None => return self.give_up(),
            }
        }
        calls.standing = Standing::Closed;
    }

    fn give_up(&self) {
        let mut calls = self.calls();
        calls.standing = Standing::Closed;
        let queued = calls.queue.drain();
        queued.iter().for_each(|queued| calls.leave(queued.work.background));
        let running = calls.seats.iter().filter_map(|seat| seat.work.clone());
        let unfinished: Vec<_> = running.chain(queued.iter().map(|queued| queued.work.clone())).collect();
        unfinished.iter().for_each(|work| work.ask_to_end());
        let wakers: Vec<_> = unfinished.iter().map(|work| calls.settle(work, Outcome::Closed)).collect();
        let line = self.tell(&calls);
        drop(calls);
        drop(queued);
        wake(wakers.into_iter().flatten().chain(line));
    }

    /// A thread has begun, and its start hooks have run.
    pub(in crate::threads) fn arrived(&self, seat: usize, hooks: Result<(), String>) {
        let mut calls = self.calls();
        calls.seats[seat].standing = Presence::Here;
        calls.seats[seat].born = Some(Instant::now());
        if let Err(why) = hooks {
            calls.seats[seat].standing = Presence::Failed;
            calls.failed.get_or_insert(why);
        }
        let line = self.tell(&calls);
        drop(calls);
        wake(line);
    }

    /// Whether its start hooks have run.
    pub(in crate::threads) fn is_ready(&self, seat: usize) -> bool {
        self.calls().seats[seat].standing == Presence::Here
    }

    /// A thread ends, and its exit hooks have run.
    pub(in crate::threads) fn left(&self, seat: usize) {
        let mut calls = self.calls();
        calls.seats[seat].standing = Presence::Gone;
        let line = self.tell(&calls);
        drop(calls);
        wake(line);
    }

    /// Waits until every thread is there.
    ///
    /// # Errors
    /// In words: why one never will be.
    pub(in crate::threads) fn wait_for_crew(&self) -> Result<(), String> {
        let mut calls = self.calls();
        loop {
            if let Some(why) = calls.failed.take() {
                return Err(why);
            }
            if calls.seats.iter().all(|seat| seat.standing != Presence::Expected) {
                return Ok(());
            }
            match self.sleep(calls, None) {
                Some(awake) => calls = awake,
                None => return Ok(()),
            }
        }
    }

    /// Waits until every thread is gone, at most until the moment.
    pub(in crate::threads) fn wait_for_end(&self, until: Option<Instant>) {
        let mut calls = self.calls();
        while calls.seats.iter().any(|seat| seat.standing != Presence::Gone) {
            match self.sleep(calls, until) {
                Some(awake) => calls = awake,
                None => return,
            }
        }
    }
}
