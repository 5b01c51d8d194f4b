//! A few numbers that one process writes together, and anybody reads together: a sequence lock with two copies.
//!
//! The version says how often they were written, and its lowest bit which copy holds. The writer fills the other
//! copy, and then moves the version. So one that loses its core in the middle, or its life, leaves the numbers before,
//! whole, and nobody waits for it. Whoever reads looks again if the version has moved meanwhile. The idea is that of
//! Linux's `seqcount_latch_t`; [`note`](super::note) does the same for a text, and [`tally`](super::tally), which has
//! too much for two copies, takes a plain sequence lock.
//!
//! Orderings: each store releases and each load acquires. Who reads a number of the copy that is being filled anew
//! sees, with it, that the version has moved on from that copy (`what_is_read_was_written_together`).

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

/// How often a reader tries again whom the writer overtakes: one that does nothing but write does so now and then, and
/// never so often in a row.
const READS: u32 = 100;

/// A number in shared memory that one process writes.
pub(crate) trait Register64 {
    /// Acquires.
    fn get(&self) -> u64;

    /// Releases.
    fn set(&self, number: u64);
}

impl Register64 for AtomicU64 {
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
pub(crate) struct SeqLatch<const NUMBERS: usize, A = AtomicU64> {
    version: A,
    copies: [[A; NUMBERS]; 2],
}

/// What was written, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot<const NUMBERS: usize> {
    pub(crate) version: u64,
    pub(crate) numbers: [u64; NUMBERS],
}

impl<const NUMBERS: usize, A: Register64> SeqLatch<NUMBERS, A> {
    #[cfg(all(test, loom))]
    pub(crate) fn of(number: impl Fn() -> A) -> SeqLatch<NUMBERS, A> {
        let copy = || std::array::from_fn(|_| number());
        SeqLatch { version: number(), copies: [copy(), copy()] }
    }

    /// Writes these numbers.
    #[inline]
    pub(crate) fn write(&self, numbers: [u64; NUMBERS]) {
        let version = self.version.get().wrapping_add(1);
        for (place, number) in self.copy(version).iter().zip(numbers) {
            place.set(number);
        }
        self.version.set(version);
    }

    /// What was written last; `None` if the writer was faster than every look.
    pub(crate) fn read(&self) -> Option<Snapshot<NUMBERS>> {
        for _ in 0..READS {
            let version = self.version.get();
            let numbers = self.copy(version).each_ref().map(Register64::get);
            if self.is_at(version) {
                return Some(Snapshot { version, numbers });
            }
            std::hint::spin_loop();
        }
        None
    }

    /// Whether what was written then still holds.
    pub(crate) fn is_at(&self, version: u64) -> bool {
        self.version.get() == version
    }

    fn copy(&self, version: u64) -> &[A; NUMBERS] {
        &self.copies[(version % 2) as usize]
    }
}
