//! A few numbers that one process says together, and anybody reads together.
//!
//! There are two copies, and a count of how often something was said, whose lowest bit tells which copy holds. The
//! writer fills the other copy, and then moves the count. So one that loses its core in the middle, or its life,
//! leaves the numbers before, whole. Whoever reads looks again if the count has moved meanwhile.
//!
//! Orderings: each store releases and each load acquires. Who reads a number of the copy that is being filled anew
//! sees, with it, that the count has moved on from that copy (`what_is_heard_was_said_together`).

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

/// How often a reader tries again whom the writer overtakes: one that does nothing but say something does so now and
/// then, and never so often in a row.
const READS: u32 = 100;

/// A number in shared memory that one process writes.
pub(crate) trait Said64 {
    /// Acquires.
    fn get(&self) -> u64;

    /// Releases.
    fn set(&self, number: u64);
}

impl Said64 for AtomicU64 {
    #[inline]
    fn get(&self) -> u64 {
        self.load(Acquire)
    }

    #[inline]
    fn set(&self, number: u64) {
        self.store(number, Release);
    }
}

/// So many numbers.
#[repr(C, align(128))]
pub(crate) struct Told<const NUMBERS: usize, A = AtomicU64> {
    count: A,
    copies: [[A; NUMBERS]; 2],
}

/// What was said, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard<const NUMBERS: usize> {
    pub(crate) count: u64,
    pub(crate) numbers: [u64; NUMBERS],
}

impl<const NUMBERS: usize, A: Said64> Told<NUMBERS, A> {
    #[cfg(all(test, loom))]
    pub(crate) fn of(number: impl Fn() -> A) -> Told<NUMBERS, A> {
        let copy = || std::array::from_fn(|_| number());
        Told { count: number(), copies: [copy(), copy()] }
    }

    /// Says these numbers.
    #[inline]
    pub(crate) fn say(&self, numbers: [u64; NUMBERS]) {
        let count = self.count.get().wrapping_add(1);
        for (place, number) in self.copy(count).iter().zip(numbers) {
            place.set(number);
        }
        self.count.set(count);
    }

    /// What was said last; `None` if the writer was faster than every look.
    pub(crate) fn hear(&self) -> Option<Heard<NUMBERS>> {
        for _ in 0..READS {
            let count = self.count.get();
            let numbers = self.copy(count).each_ref().map(Said64::get);
            if self.is_at(count) {
                return Some(Heard { count, numbers });
            }
            std::hint::spin_loop();
        }
        None
    }

    /// Whether what was said then still holds.
    pub(crate) fn is_at(&self, count: u64) -> bool {
        self.count.get() == count
    }

    fn copy(&self, count: u64) -> &[A; NUMBERS] {
        &self.copies[(count % 2) as usize]
    }
}
