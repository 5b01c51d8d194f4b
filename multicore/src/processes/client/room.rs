//! Waiting for free slots: many calls finish while one thread sleeps, so it is woken when a good part of them have,
//! and not by each; and in any case after a while that grows.
//!
//! The countdown is a hint like the sets: each call that settles while somebody sleeps counts down, whoever brings
//! it to zero wakes all, and a death wakes everybody. What settled just before is not counted, fewer calls than
//! are counted on may be under way, and another sleeper may set it anew: then a sleep ends by itself.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use crate::processes::client::Client;
use crate::sys::futex::{self, Wait};

/// The first sleep; each next one is twice as long. So a call that is long holds up those that wait for its
/// slot, and for others' no less, by no more than twice.
pub(super) const FIRST: Duration = Duration::from_micros(250);

impl Client {
    /// Whether so many slots are enough to go on with.
    pub(crate) fn is_room(&self, open: usize) -> bool {
        open >= self.enough()
    }

    /// A good part of the slots. A few would be taken again at once, and finding them keeps a core from the
    /// workers.
    pub(crate) fn enough(&self) -> usize {
        self.seats.len().div_ceil(2)
    }

    /// With every slot taken: waits until that is over for a good part of them, and in any case for a while
    /// that grows until it is over for one.
    pub(crate) fn wait_for_room(&self) {
        let mut longest = FIRST;
        loop {
            self.patrol();
            if self.sleep_until_settled(self.enough(), longest) || self.is_any_open() {
                return;
            }
            longest *= 2;
        }
    }

    /// Sleeps until so many calls have settled from now on, but no longer than this and the next round; whether
    /// they have.
    pub(crate) fn sleep_until_settled(&self, calls: usize, longest: Duration) -> bool {
        let seen = self.doze_off(calls as i64);
        let longest = longest.min(self.until_next_round());
        let slept = futex::wait(&self.region.head().progress.0, seen, Some(longest));
        self.wake_up();
        matches!(slept, Wait::Woken | Wait::Changed)
    }

    fn is_any_open(&self) -> bool {
        self.region.free().any() || (0..self.seats.len()).any(|slot| self.finished(slot).is_some())
    }

    /// Says that this thread sleeps until so many more calls have settled, or fewer where another one sleeps until
    /// then; what to sleep on.
    pub(super) fn doze_off(&self, calls: i64) -> u32 {
        let head = self.region.head();
        let mut sleepers = self.sleepers();
        *sleepers += 1;
        head.sleepers.store(*sleepers, SeqCst);
        let seen = head.progress.0.load(SeqCst);
        let left = head.countdown.load(SeqCst);
        if *sleepers == 1 || !(1..=calls).contains(&left) {
            head.countdown.store(calls, SeqCst);
        }
        seen
    }

    /// Takes [`doze_off`](Self::doze_off) back.
    pub(super) fn wake_up(&self) {
        let mut sleepers = self.sleepers();
        *sleepers -= 1;
        self.region.head().sleepers.store(*sleepers, SeqCst);
    }

    /// Counted in the client's own memory: what a worker makes of the copy lasts until the next change.
    fn sleepers(&self) -> MutexGuard<'_, u32> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
