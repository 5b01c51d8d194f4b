//! Waiting for free slots: many calls finish while one thread sleeps, so it is woken when half of them have,
//! and not by each.
//!
//! The countdown is a hint like the sets. A sleeper announces itself and sets the countdown far off before it
//! counts the calls under way, and takes the distance off it afterwards: each call that it counted settles
//! later and counts down, one that settled meanwhile makes it wake up early, and a death wakes everybody.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::SeqCst;

use crate::pool::client::Client;
use crate::pool::worker::wake_sleepers;
use crate::shm::word::{Phase, Word};
use crate::sys::futex;

/// More than there are slots.
const FAR: i64 = 1 << 32;

impl Client {
    /// Sleeps until half of the calls under way have settled, or until the next round; not at all while a slot
    /// is free or finished.
    pub(super) fn wait_for_progress(&self) {
        let head = self.region.head();
        self.count_sleepers(|count| count + 1);
        let seen = head.progress.0.load(SeqCst);
        head.countdown.store(FAR, SeqCst);
        std::sync::atomic::fence(SeqCst);
        if let Some(pending) = self.pending() {
            let wanted = (pending + 1) / 2;
            let left = head.countdown.fetch_add(wanted - FAR, SeqCst) + wanted - FAR;
            if left > 0 {
                let _ = futex::wait(&head.progress.0, seen, Some(self.until_next_round()));
            }
        }
        if self.count_sleepers(|count| count - 1) > 0 {
            // Their countdown was overwritten.
            wake_sleepers(&self.region);
        }
    }

    /// How many calls are queued or running, if every slot is.
    fn pending(&self) -> Option<i64> {
        if self.region.free().any() {
            return None;
        }
        let mut pending = 0;
        for slot in 0..self.seats.len() {
            match self.region.slot(slot).state.state().phase() {
                Some(Phase::Ready | Phase::Claimed | Phase::Running) => pending += 1,
                Some(Phase::Done | Phase::Died) if self.finished(slot).is_some() => return None,
                _ => {}
            }
        }
        Some(pending)
    }

    /// Counts in the client's own memory: what a worker makes of the copy lasts until the next change.
    fn count_sleepers(&self, change: impl FnOnce(u32) -> u32) -> u32 {
        let mut count = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        *count = change(*count);
        self.region.head().sleepers.store(*count, SeqCst);
        *count
    }
}
