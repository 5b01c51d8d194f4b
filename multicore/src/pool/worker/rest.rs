//! A worker without a call: it searches for a moment, and then sleeps.

use std::sync::atomic::Ordering::{Release, SeqCst};

use crate::pool::repair::wake_worker;
use crate::pool::spin::Spin;
use crate::pool::worker::Worker;
use crate::pool::worker::take::spread_hands;
use crate::sys::fault::point;
use crate::sys::futex;

impl Worker<'_> {
    /// Searches while that pays; whether there may be a call. If so, [`found`](Self::found) follows once it is
    /// taken.
    pub(super) fn search(&self, spin: &Spin) -> bool {
        let lookout = self.region.lookout();
        if !lookout.search(self.index, self.patience.searchers()) {
            return false;
        }
        point("searching");
        // Others of the pool spin only where a core is left for them.
        spin.until(0, || lookout.ready.any())
    }

    /// Leaves off searching, with a call or without.
    #[inline]
    pub(super) fn found(&self) {
        if let Some(sleeper) = self.region.lookout().found(self.index) {
            wake_worker(self.region, sleeper);
        }
    }

    /// Sleeps until a publisher picks this worker out of the idle set.
    pub(super) fn sleep(&self) {
        let record = self.region.worker(self.index);
        let seen = record.wake.load(SeqCst);
        // If it says that something runs here, somebody else wrote that.
        record.current.store(0, Release);
        let head = self.region.head();
        let rests = self
            .region
            .lookout()
            .rest(self.index, || head.draining.load(SeqCst) != 0 || spread_hands(self.region));
        if rests {
            point("asleep");
            // Whatever ended the sleep, the loop looks for work again.
            let _ = futex::wait(&record.wake, seen, None);
        }
        self.region.idle().remove(self.index);
    }
}
