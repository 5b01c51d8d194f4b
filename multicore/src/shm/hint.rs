//! Bit sets in shared memory that say where to look. They decide nothing: the state words do.
//!
//! A set bit is taken by clearing it, so two processes never follow the same hint. A process that
//! dies with a hint in its hand loses it; the supervisor sets all bits anew from the state words
//! after every death, and so does a client that waits in vain.
//!
//! Several bits of a word are taken with one swap, and so are several calls.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use std::sync::atomic::{AtomicU64, compiler_fence, fence};

/// The 64-bit word that a set is made of. A trait for the same reason as
/// [`Atomic64`](super::word::Atomic64).
pub(crate) trait Bits {
    fn look(&self) -> u64;
    fn set(&self, bits: u64) -> u64;
    fn clear(&self, bits: u64) -> u64;
    /// After a swap: no later load comes before it. A sequentially consistent fence.
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
        // There each swap is such a fence itself, and a second one costs as much again (crossbeam-epoch's
        // `pin` does without it in the same way).
        if cfg!(target_arch = "x86_64") { compiler_fence(SeqCst) } else { fence(SeqCst) }
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

    /// How many members there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.words.iter().map(|word| word.look().count_ones() as usize).sum()
    }

    /// The first member.
    pub(crate) fn first(&self) -> Option<usize> {
        let looks = self.words.iter().map(B::look).enumerate();
        looks.filter(|(_, bits)| *bits != 0).map(|(word, bits)| Members { word, bits }).next()?.next()
    }

    /// Whether this is a member.
    #[inline]
    pub(crate) fn contains(&self, member: usize) -> bool {
        self.words[member / 64].look() & 1 << (member % 64) != 0
    }

    /// Adds a member, then looks at another set: see [`Lookout`](super::lookout).
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

    /// Whether all of the first `count` numbers are members, as far as there are so many.
    #[inline]
    pub(crate) fn begins_whole(&self, count: usize) -> bool {
        let count = count.min(self.members);
        let (words, over) = (count / 64, count % 64);
        self.words[..words].iter().all(|word| word.look() == u64::MAX)
            && (over == 0 || !self.words[words].look() & !(u64::MAX << over) == 0)
    }

    /// Takes the first member at or after `from`, going round.
    #[inline]
    pub(crate) fn take(&self, from: usize) -> Option<usize> {
        self.take_some(from, |_| 1)?.next()
    }

    /// Takes the first member at or after `from`, and none before it.
    pub(crate) fn take_after(&self, from: usize) -> Option<usize> {
        let words = (from / 64..self.words.len()).map(|word| {
            let below = if word == from / 64 { !(u64::MAX << (from % 64)) } else { 0 };
            (word, self.words[word].look() & !below & self.existing(word))
        });
        words.flat_map(|(word, bits)| Members { word, bits }).find(|member| self.remove(*member))
    }

    /// Takes the first members at or after `from`, going round, with one swap: as many as `share` says of those
    /// that are seen there.
    ///
    /// What was added before a member that is seen in a later word may be in a word that was empty when it was
    /// looked at: so those are looked at once more, and what is there now comes first. Whoever adds members in
    /// order has them taken in order, and nobody who blocks on a later call keeps an earlier one from running.
    #[inline]
    pub(crate) fn take_some(&self, from: usize, share: impl Fn(u32) -> u32) -> Option<Members> {
        for (step, Members { word, bits: mask }) in self.round(from).enumerate() {
            let seen = self.words[word].look() & mask;
            if seen == 0 {
                continue;
            }
            let earlier = || self.round(from).take(step).find_map(|at| self.take_seen(at, &share));
            if let Some(members) = earlier().or_else(|| self.take_seen(Members { word, bits: mask }, &share))
            {
                return Some(members);
            }
        }
        None
    }

    /// Takes the first members of one word, of those that `at` names.
    #[inline]
    fn take_seen(&self, at: Members, share: &impl Fn(u32) -> u32) -> Option<Members> {
        let Members { word, bits: mask } = at;
        let mut seen = self.words[word].look() & mask;
        while seen != 0 {
            let wanted = lowest(seen, share(seen.count_ones()).max(1));
            // A bit that stands for nobody was forged; it goes, and nobody follows it.
            let bits = self.words[word].clear(wanted) & wanted & self.existing(word);
            if bits != 0 {
                return Some(Members { word, bits });
            }
            seen = self.words[word].look() & mask;
        }
        None
    }

    /// The members at this moment, at or after `from` first, going round.
    pub(crate) fn seen_from(&self, from: usize) -> impl Iterator<Item = usize> {
        self.round(from).flat_map(|Members { word, bits }| Members {
            word,
            bits: self.words[word].look() & bits & self.existing(word),
        })
    }

    /// The words with the bits that are to be looked at, beginning at `from`.
    #[inline]
    fn round(&self, from: usize) -> impl Iterator<Item = Members> + use<'a, B> {
        let count = self.words.len();
        let (first, bit) = ((from / 64) % count, from % 64);
        // The first word is looked at twice: above the starting bit, and at the end below it.
        (0..=count).map(move |step| {
            let bits = match step {
                0 => u64::MAX << bit,
                _ if step == count => !(u64::MAX << bit),
                _ => u64::MAX,
            };
            Members { word: (first + step) % count, bits }
        })
    }

    /// The bits of a word that stand for somebody.
    #[inline]
    fn existing(&self, word: usize) -> u64 {
        match self.members - (word * 64).min(self.members) {
            64.. => u64::MAX,
            few => (1 << few) - 1,
        }
    }
}

/// The `count` lowest bits of `bits`.
#[inline]
fn lowest(bits: u64, count: u32) -> u64 {
    let mut above = bits;
    for _ in 0..count {
        above &= above.wrapping_sub(1);
    }
    bits & !above
}

/// Members of one word of a set, lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) word: usize,
    pub(crate) bits: u64,
}

impl Members {
    pub(crate) fn one(member: usize) -> Members {
        Members { word: member / 64, bits: 1 << (member % 64) }
    }
}

impl Iterator for Members {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let member = (self.bits != 0).then(|| self.word * 64 + self.bits.trailing_zeros() as usize)?;
        self.bits &= self.bits - 1;
        Some(member)
    }
}

/// Where the last search ended; the next one starts there, which keeps the order of arrival as long
/// as slots are taken and claimed in turn.
pub(crate) struct Cursor<'a>(pub(crate) &'a std::sync::atomic::AtomicU32);

impl Cursor<'_> {
    #[inline]
    pub(crate) fn take_some(&self, set: HintSet<'_>, share: impl Fn(u32) -> u32) -> Option<Members> {
        let from = self.0.load(Relaxed);
        let members = set.take_some(from as usize, share)?;
        let end = members.word as u32 * 64 + (64 - members.bits.leading_zeros());
        // Whoever was slow does not move it back, to where newer ones are by now.
        let _ = self.0.compare_exchange(from, end, Relaxed, Relaxed);
        Some(members)
    }
}
