//! The races of the protocol, in every order that the memory model allows, the longest in those of up to three
//! preemptions. `cargo model` runs them.

mod lookout;
mod ring;
mod steps;
mod watch;
mod word;

use loom::sync::Arc;
use loom::sync::atomic::Ordering::{AcqRel, Acquire, Release, SeqCst};
use loom::sync::atomic::{AtomicU64, fence};
use loom::thread;

use crate::shm::hint::Bits;
use crate::shm::latch::Register64;
use crate::shm::word::Atomic64;

impl Atomic64 for AtomicU64 {
    fn load(&self) -> u64 {
        self.load(Acquire)
    }

    fn swap_if(&self, current: u64, new: u64) -> Result<(), u64> {
        self.compare_exchange(current, new, AcqRel, Acquire).map(drop)
    }
}

impl Bits for AtomicU64 {
    fn look(&self) -> u64 {
        self.load(Acquire)
    }

    fn set(&self, bits: u64) -> u64 {
        self.fetch_or(bits, AcqRel)
    }

    fn clear(&self, bits: u64) -> u64 {
        self.fetch_and(!bits, AcqRel)
    }

    fn meet() {
        fence(SeqCst);
    }
}

impl Register64 for AtomicU64 {
    fn get(&self) -> u64 {
        self.load(Acquire)
    }

    fn set(&self, number: u64) {
        self.store(number, Release);
    }
}

/// Every order of up to so many preemptions.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// What two threads do at once with what they share.
fn both<T: Send + Sync + 'static, A: Send + 'static, B>(
    shared: &Arc<T>,
    there: impl FnOnce(&T) -> A + Send + 'static,
    here: impl FnOnce(&T) -> B,
) -> (A, B) {
    let other = shared.clone();
    let thread = thread::spawn(move || there(&other));
    let here = here(shared);
    (thread.join().expect("the model's thread"), here)
}
