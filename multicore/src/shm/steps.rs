//! How far a call says that it has come, where anybody can look while it runs.
//!
//! The record stands in its worker's part of the region and names the call that wrote it, so nothing has to be
//! wiped before a call that never reports. One process writes; anybody may read.
//!
//! What a call says at once is read at once, also where its worker dies in the middle, or loses its core. The numbers
//! stand in a [`latch`](super::latch) together with the number of the message, whose text stands until the next but one
//! is begun. The next is written before the numbers that name it, the next but one after them. So whoever has read a
//! text, and finds that the numbers are the same or that no other text was written, has read it whole.

use super::latch::{Register64, Snapshot};
use super::layout::Steps;

/// How often a reader tries again whom the writer overtakes: one that says another message every few nanoseconds
/// does so twice in three tries.
const READS: u32 = 100;
/// How often a supervisor does, whom no worker shall keep.
const FOLLOWS: u32 = 8;

/// What a call said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) message: Option<String>,
}

/// The call in this slot, as one number that is never 0.
#[inline]
pub(crate) fn name(slot: usize, generation: u32) -> u64 {
    (slot as u64 + 1) << 32 | u64::from(generation)
}

impl<const WORDS: usize, A: Register64> Steps<WORDS, A> {
    /// Worker: the call of this name has come so far. Five stores, where the message is the same.
    #[inline]
    pub(crate) fn set(&self, of: u64, done: u64, total: u64, message: &str) {
        if !self.message.says(message) {
            self.message.set(message);
        }
        self.numbers.write([of, done, total, self.message.now()]);
    }

    /// Forgets whose it was, and what was said.
    pub(crate) fn clear(&self) {
        self.message.clear();
        self.numbers.write([0, 0, 0, self.message.now()]);
    }

    /// As [`get`](Steps::get), the numbers alone.
    pub(crate) fn counts(&self, of: u64) -> Option<(u64, u64)> {
        let [whose, done, total, _] = self.numbers.read()?.numbers;
        (whose == of).then_some((done, total))
    }

    /// What the call of this name said last; `None` when it said nothing, or another one did since, and when it says
    /// more faster than anybody can look.
    pub(crate) fn get(&self, of: u64) -> Option<Sight> {
        for _ in 0..READS {
            let snapshot = self.numbers.read()?;
            let [whose, done, total, text] = snapshot.numbers;
            if whose != of {
                return None;
            }
            if let Some(message) = self.message.read(text, || self.holds(&snapshot)) {
                return Some(Sight { done, total, message });
            }
        }
        None
    }

    /// Says of the call named `as_of` what `other` says of the one named `of`; `seen` remembers how far its
    /// message was followed. The message passes through no other memory of this process.
    pub(crate) fn follow(&self, other: &Self, of: u64, as_of: u64, seen: &mut u64) {
        for _ in 0..FOLLOWS {
            let Some(snapshot) = other.numbers.read() else { return };
            let [whose, done, total, text] = snapshot.numbers;
            if whose != of {
                return;
            }
            if text == *seen || self.message.copy(&other.message, text, || other.holds(&snapshot)) {
                *seen = text;
                return self.numbers.write([as_of, done, total, self.message.now()]);
            }
        }
    }

    /// Whether the text that was named then is still there, whole.
    fn holds(&self, snapshot: &Snapshot<4>) -> bool {
        let [.., text] = snapshot.numbers;
        self.message.now() == text || self.numbers.is_at(snapshot.version)
    }
}
