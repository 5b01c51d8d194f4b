//! Waiting for free slots: many calls finish while one thread sleeps, so it is woken when half of them have,
//! and not by each; and in any case after a while that grows.
//!
//! The countdown is a hint like the sets. A sleeper announces itself and sets the countdown far off before it
//! counts the calls under way, and takes the distance off it afterwards: each call that it counted settles
//! later and counts down, one that settled meanwhile makes it wake up early, and a death wakes everybody.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::pool::client::Client;
use crate::pool::worker::wake_sleepers;
use crate::shm::word::{Phase, Word};
use crate::sys::futex::{self, Wait};

/// More than there are slots.
const FAR: i64 = 1 << 32;

/// The first sleep; each next one is twice as long. So a call that is long holds up those that wait for its
/// slot, and for others' no less, by no more than twice.
const FIRST: Duration = Duration::from_micros(250);

/// What the slots of a pool are at.
struct Survey {
    /// Queued or running.
    pending: i64,
    /// Free or finished.
    open: usize,
}

impl Client {
    /// Waits until a good part of the slots is free or finished. A few would be full again at once, and
    /// finding them keeps a core from the workers.
    pub(crate) fn wait_for_room(&self) {
        let mut longest = FIRST;
        self.patrol();
        while !self.sleep_for_room(longest) {
            self.patrol();
            longest *= 2;
        }
    }

    /// Sleeps until half of the calls under way have settled, but no longer than this and the next round;
    /// whether to go on.
    fn sleep_for_room(&self, longest: Duration) -> bool {
        let head = self.region.head();
        self.count_sleepers(|count| count + 1);
        let seen = head.progress.0.load(SeqCst);
        head.countdown.store(FAR, SeqCst);
        std::sync::atomic::fence(SeqCst);
        let Survey { pending, open } = self.survey();
        let mut enough = pending == 0 || open >= self.seats.len().div_ceil(4);
        if !enough {
            let wanted = (pending + 1) / 2;
            let left = head.countdown.fetch_add(wanted - FAR, SeqCst) + wanted - FAR;
            let round = self.until_next_round();
            enough = left <= 0
                || match futex::wait(&head.progress.0, seen, Some(longest.min(round))) {
                    Wait::Woken | Wait::Changed => true,
                    Wait::TimedOut | Wait::Interrupted => self.survey().open > 0,
                };
        }
        if self.count_sleepers(|count| count - 1) > 0 {
            // Their countdown was overwritten.
            wake_sleepers(&self.region);
        }
        enough
    }

    fn survey(&self) -> Survey {
        let mut survey = Survey { pending: 0, open: self.region.free().len() };
        for slot in 0..self.seats.len() {
            match self.region.slot(slot).state.state().phase() {
                Some(Phase::Ready | Phase::Claimed | Phase::Running) => survey.pending += 1,
                Some(Phase::Done | Phase::Died) if self.finished(slot).is_some() => survey.open += 1,
                _ => {}
            }
        }
        survey
    }

    /// Counts in the client's own memory: what a worker makes of the copy lasts until the next change.
    fn count_sleepers(&self, change: impl FnOnce(u32) -> u32) -> u32 {
        let mut count = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        *count = change(*count);
        self.region.head().sleepers.store(*count, SeqCst);
        *count
    }
}
