//! Bit sets in shared memory that say where to look. They decide nothing: the state words do.
//!
//! A set bit is taken by clearing it, so two processes never follow the same hint. A process that
//! dies with a hint in its hand loses it; the supervisor sets all bits anew from the state words
//! after every death, and so does a client that waits in vain.
//!
//! **No lost wake-up.** A publisher sets the ready bit, then looks at the idle set; a worker sets its
//! idle bit, then looks at the ready set; both pass a sequentially consistent fence in between
//! ([`insert_then`](HintSet::insert_then)). Either the publisher is first at its fence, and the worker
//! sees the ready bit; or the worker is first, and the publisher sees the idle bit and wakes it. The
//! model test `no_wake_up_is_lost` goes through every order.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use std::sync::atomic::{AtomicU64, fence};

/// The 64-bit word that a set is made of. A trait for the same reason as
/// [`Atomic64`](super::word::Atomic64).
pub(crate) trait Bits {
    fn look(&self) -> u64;
    fn set(&self, bits: u64) -> u64;
    fn clear(&self, bits: u64) -> u64;
    /// A sequentially consistent fence.
    fn meet();
}

impl Bits for AtomicU64 {
    #[inline]
    fn look(&self) -> u64 {
        self.load(Acquire)
    }

    #[inline]
    fn set(&self, bits: u64) -> u64 {
        self.fetch_or(bits, AcqRel)
    }

    #[inline]
    fn clear(&self, bits: u64) -> u64 {
        self.fetch_and(!bits, AcqRel)
    }

    #[inline]
    fn meet() {
        fence(SeqCst);
    }
}

/// A set of small numbers.
pub(crate) struct HintSet<'a, B = AtomicU64> {
    words: &'a [B],
    members: usize,
}

impl<B> Clone for HintSet<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for HintSet<'_, B> {}

impl<'a, B: Bits> HintSet<'a, B> {
    /// The set that `words` hold, 64 members a word, of the numbers below `members`.
    pub(crate) fn over(words: &'a [B], members: usize) -> Self {
        HintSet { words, members }
    }

    /// Adds a member.
    #[inline]
    pub(crate) fn insert(&self, member: usize) {
        self.words[member / 64].set(1 << (member % 64));
    }

    /// Adds a member, then looks at another set: see "no lost wake-up" above.
    #[inline]
    pub(crate) fn insert_then<T>(&self, member: usize, look: impl FnOnce() -> T) -> T {
        self.insert(member);
        B::meet();
        look()
    }

    /// Takes a member out; whether it was in.
    #[inline]
    pub(crate) fn remove(&self, member: usize) -> bool {
        let bit = 1 << (member % 64);
        self.words[member / 64].clear(bit) & bit != 0
    }

    /// Whether there is any member.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.words.iter().any(|word| word.look() != 0)
    }

    /// Takes the first member at or after `from`, going round.
    #[inline]
    pub(crate) fn take(&self, from: usize) -> Option<usize> {
        let count = self.words.len();
        let (first, bit) = ((from / 64) % count, from % 64);
        // The first word is looked at twice: above the starting bit, and at the end below it.
        for step in 0..=count {
            let index = (first + step) % count;
            let mask = match step {
                0 => u64::MAX << bit,
                _ if step == count => !(u64::MAX << bit),
                _ => u64::MAX,
            };
            let mut seen = self.words[index].look() & mask;
            while seen != 0 {
                let member = index * 64 + seen.trailing_zeros() as usize;
                // A bit that stands for nobody was forged; it goes, and nobody follows it.
                if self.remove(member) && member < self.members {
                    return Some(member);
                }
                seen = self.words[index].look() & mask;
            }
        }
        None
    }
}

/// Where the last search ended; the next one starts there, which keeps the order of arrival as long
/// as slots are taken and claimed in turn.
pub(crate) struct Cursor<'a>(pub(crate) &'a std::sync::atomic::AtomicU32);

impl Cursor<'_> {
    #[inline]
    pub(crate) fn take(&self, set: HintSet<'_>) -> Option<usize> {
        let member = set.take(self.0.load(Relaxed) as usize)?;
        self.0.store(member as u32 + 1, Relaxed);
        Some(member)
    }
}
