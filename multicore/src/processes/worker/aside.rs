//! Two workers on one core, and a core that nobody uses.
//!
//! The kernel puts whoever is woken on some core, now and then on one that is taken while another is idle: in a
//! guest often, where an idle core does not look like one (Linux, `available_idle_cpu`). It mends that after
//! milliseconds, and a batch of short calls is over then. So a worker that takes calls looks at the others: one
//! that took its calls on this core, and has not come on for a while, waits for this core. Then this worker goes
//! to another one that nobody uses. Measured, 1000 calls of 10 us on two cores ran at 0.9 to 1.9 times the speed
//! of one, and run at 1.7 to 1.9.
//!
//! Where the other one moved meanwhile, or is at a long call elsewhere, a move is wasted: some microseconds, at
//! most once in each [`STUCK`].

use std::sync::atomic::Ordering::Relaxed;

use crate::processes::worker::Worker;
use crate::sys::process;

/// Who has not come on for so many nanoseconds waits for a core, or is at a long call.
const STUCK: u64 = 100_000;

/// The other worker that is looked at: one at a time, or many workers would read each other's records all day.
#[derive(Clone, Copy, Default)]
pub(super) struct Sight {
    worker: usize,
    /// How many calls it had begun, and since when.
    calls: u64,
    since: u64,
}

impl Worker<'_> {
    /// Leaves this core to another worker that waits for it, if there is a core for each of them.
    pub(super) fn step_aside(&self, sight: &mut Sight, now: u64) {
        let Some(core) = process::core() else { return };
        self.region.worker(self.index).core.store(core as u32, Relaxed);
        let other = self.region.worker(sight.worker);
        let waits = self.is_other_awake(sight.worker)
            && other.core.load(Relaxed) as usize == core
            && other.calls.load(Relaxed) == sight.calls;
        if !waits {
            let worker = (sight.worker + 1) % self.region.geometry().workers;
            *sight = Sight { worker, calls: self.region.worker(worker).calls.load(Relaxed), since: now };
        } else if now.saturating_sub(sight.since) > STUCK && self.is_there_a_core_for_each() {
            sight.since = now;
            process::go_where(|free| free != core && !self.is_taken(free));
        }
    }

    fn is_other_awake(&self, worker: usize) -> bool {
        worker != self.index && !self.region.idle().contains(worker)
    }

    fn is_there_a_core_for_each(&self) -> bool {
        self.do_senders_sleep() && self.region.awake() <= self.patience.cores
    }

    /// Whether another worker took its calls on this core.
    fn is_taken(&self, core: usize) -> bool {
        let mut workers = 0..self.region.geometry().workers;
        workers.any(|other| {
            self.is_other_awake(other) && self.region.worker(other).core.load(Relaxed) as usize == core
        })
    }
}
