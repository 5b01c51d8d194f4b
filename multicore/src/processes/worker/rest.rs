//! A worker without a call: it searches for a moment, and then sleeps.

use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::time::Duration;

use crate::processes::clock;
use crate::processes::repair::wake_worker;
use crate::processes::spin::Spin;
use crate::processes::worker::take::{Hand, spread_hands};
use crate::processes::worker::{Worker, shares};
use crate::shm::lookout::Rest;
use crate::sys::fault::point;
use crate::sys::futex;

/// How long one dozes at first, and at most: each time that it finds nothing twice as long as before. On few cores
/// it takes one of them from those who are at work.
pub(super) const DOZE: Duration = Duration::from_millis(1);
const LONGEST_DOZE: Duration = Duration::from_millis(4);

impl Worker<'_> {
    /// Searches while that pays; whether there may be a call.
    pub(super) fn search(&self, hand: &mut Hand, spin: &Spin) -> bool {
        let lookout = self.region.lookout();
        // While this one was stopped it was taken out.
        let others = lookout.alert.len().saturating_sub(usize::from(hand.alert));
        if others >= self.patience.searchers() {
            return false;
        }
        if !hand.alert {
            lookout.search(self.index);
            // It finds what comes; but once it has found something it may be wrong.
            (hand.alert, hand.owes_watch) = (true, true);
        }
        point("searching");
        let draining = &self.region.head().draining;
        // Those that search leave a core to the others: how many are awake is no matter.
        let background = self.runs_background();
        spin.until(0, Duration::MAX, || lookout.any(background) || draining.load(Relaxed) != 0)
    }

    /// Sleeps until a publisher picks this worker out of the idle set.
    pub(super) fn sleep(&self, hand: &mut Hand, spin: &Spin) {
        let record = self.region.worker(self.index);
        let seen = record.wake.load(SeqCst);
        // If it says that something runs here, somebody else wrote that.
        record.current.store(0, Release);
        let head = self.region.head();
        let awaited = || head.draining.load(SeqCst) != 0 || shares::are_stale(head);
        let (lookout, background) = (self.region.lookout(), self.runs_background());
        let rest = lookout.rest(self.index, background, awaited);
        if rest != Rest::Not
            && !background
            && let Some(other) = lookout.pass_on(self.limits.background_from)
        {
            wake_worker(self.region, other);
        }
        (hand.alert, hand.owes_watch) = (false, rest == Rest::Doze);
        point("resting");
        // Whatever ends a sleep, the loop looks for work again.
        match rest {
            Rest::Not => {}
            Rest::Sleep => {
                let since = clock::now();
                let _ = futex::wait(&record.wake, seen, None);
                spin.slept(clock::now().saturating_sub(since));
            }
            Rest::Doze => {
                let _ = futex::wait(&record.wake, seen, Some(hand.doze));
                hand.doze = (hand.doze * 2).min(LONGEST_DOZE);
                spread_hands(self.region);
            }
        }
        self.region.idle().remove(self.index);
    }
}
