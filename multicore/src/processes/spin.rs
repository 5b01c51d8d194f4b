//! A short wait that burns, before the long one that sleeps.
//!
//! Where the other process runs on another core, an answer comes in well under a microsecond, and a sleep
//! costs fifty times that. Where it does not, spinning only keeps it from running. So each waiter remembers
//! what spinning gained: the budget doubles when the wait ended in time and halves when it did not, down
//! to a probe; after a sleep that was over at once it grows again. After a microsecond the core is offered to
//! others all the while, who may be the ones that are waited for. Where every core is taken, nobody spins for
//! long; and a waiter that finds that time has jumped was put aside for somebody else, and leaves off at once.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::processes::client::patrol::ROUND;
use crate::processes::clock;

/// The longest spin, unless it is said: about what a sleep costs both sides.
const MOST: u32 = 50_000;
/// What is left of a budget that never pays, in nanoseconds.
const LEAST: u32 = 1000;
/// The longest spin where every core is taken: a few turns of short calls.
const CROWDED: u32 = 5000;
/// Looks at the condition from one look at the clock to the next; about half a microsecond.
const LOOKS: u32 = 32;
/// The longest that anybody may ask for: as long as a sleep without a look at the supervisor.
pub(crate) const LONGEST: Duration = ROUND;
/// How long one spins before the core is offered to others, again and again.
const ALONE: u64 = 1000;
/// Between two looks at the clock somebody else ran on this core.
const JUMP: u64 = 20_000;

/// How long waiters of a pool may spin. Travels to the supervisor with the first message.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Patience {
    /// What [`Config::spin`](crate::Config::spin) says.
    pub(crate) asked: Option<Duration>,
    /// Cores that the pool's processes share with their client.
    pub(crate) cores: usize,
}

impl Patience {
    /// How many workers search at once: half of the cores, so that whoever sends calls has one.
    pub(crate) fn searchers(&self) -> usize {
        match self.asked {
            Some(_) => usize::MAX,
            None => self.cores.div_ceil(2),
        }
    }
}

/// One waiter's memory of what spinning gained.
pub(crate) struct Spin {
    /// Nanoseconds.
    budget: AtomicU32,
    patience: Patience,
}

impl Spin {
    pub(crate) fn new(patience: Patience) -> Spin {
        Spin { budget: AtomicU32::new(MOST), patience }
    }

    /// Whether `done` came true while spinning paid, within this time. `awake` is how many workers want a core
    /// besides, as far as the waiter knows.
    #[inline]
    pub(crate) fn until(&self, awake: usize, within: Duration, mut done: impl FnMut() -> bool) -> bool {
        if done() {
            return true;
        }
        match self.patience.asked {
            Some(asked) => burn(clock::nanoseconds(asked.min(within)), &mut done) == Burnt::Done,
            None if self.patience.cores == 1 || within.is_zero() => false,
            None if awake >= self.patience.cores => self.adapt(CROWDED, &mut done),
            None => self.adapt(MOST, &mut done),
        }
    }

    fn adapt(&self, most: u32, done: &mut impl FnMut() -> bool) -> bool {
        let budget = self.budget.load(Relaxed).min(most);
        let burnt = burn(u64::from(budget), done);
        let next = match burnt {
            Burnt::Done => (budget * 2).min(MOST),
            Burnt::Out => (budget / 2).max(LEAST),
            Burnt::PutAside => LEAST,
        };
        self.budget.store(next, Relaxed);
        burnt == Burnt::Done
    }

    /// Learns from the sleep that came after a spin in vain: one so short would have been a longer spin.
    pub(crate) fn slept(&self, time: u64) {
        if time < u64::from(2 * MOST) && self.patience.asked.is_none() {
            let budget = self.budget.load(Relaxed);
            self.budget.store((budget * 4).min(MOST), Relaxed);
        }
    }
}

#[derive(PartialEq)]
enum Burnt {
    Done,
    Out,
    PutAside,
}

/// Looks again and again, for so many nanoseconds.
fn burn(budget: u64, done: &mut impl FnMut() -> bool) -> Burnt {
    if budget == 0 {
        return Burnt::Out;
    }
    // The clock is not looked at before it may matter: most answers come sooner.
    let mut times = None;
    loop {
        for _ in 0..LOOKS {
            if done() {
                return Burnt::Done;
            }
            std::hint::spin_loop();
        }
        let now = clock::now();
        let (start, last) = *times.get_or_insert((now, now));
        if now - last > JUMP {
            return if done() { Burnt::Done } else { Burnt::PutAside };
        }
        if now - start >= budget {
            return Burnt::Out;
        }
        if now - start >= ALONE {
            // Whoever is awaited may be waiting for this core.
            std::thread::yield_now();
        }
        times = Some((start, now));
    }
}
