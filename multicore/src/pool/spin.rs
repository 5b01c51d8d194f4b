//! A short wait that burns, before the long one that sleeps.
//!
//! Where the other process runs on another core, an answer comes in well under a microsecond, and a
//! sleep costs fifty times that. Where it does not, spinning only keeps it from running. So each
//! waiter remembers what spinning gained: the budget doubles when the wait ended in time and halves
//! when it did not, down to a probe that costs little.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

/// Looks at the condition; about 20 microseconds' worth.
const MOST: u32 = 2000;
const LEAST: u32 = 20;

/// One waiter's memory of what spinning gained.
pub(crate) struct Spin {
    budget: AtomicU32,
}

impl Default for Spin {
    fn default() -> Self {
        Spin { budget: AtomicU32::new(MOST) }
    }
}

impl Spin {
    /// Whether `done` came true while spinning paid.
    #[inline]
    pub(crate) fn until(&self, mut done: impl FnMut() -> bool) -> bool {
        if one_core() {
            return done();
        }
        let budget = self.budget.load(Relaxed);
        for _ in 0..budget {
            if done() {
                self.budget.store((budget * 2).min(MOST), Relaxed);
                return true;
            }
            std::hint::spin_loop();
        }
        self.budget.store((budget / 2).max(LEAST), Relaxed);
        false
    }
}

/// Whether nobody else can run while this process spins.
fn one_core() -> bool {
    static ONE: OnceLock<bool> = OnceLock::new();
    *ONE.get_or_init(|| std::thread::available_parallelism().is_ok_and(|n| n.get() == 1))
}
