//! How far a call says that it has come, where anybody can look while it runs.
//!
//! The record stands in its worker's part of the region and names the call that wrote it, so nothing has to be
//! wiped before a call that never reports. Between the first report of a call and the last of another one it
//! names nobody. One process writes; anybody may read.
//!
//! If the worker dies in the middle of writing, the message is the one before ([`note`](super::note)), and each
//! number is the new one or the one before.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::fence;

use super::layout::Steps;

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

impl Steps {
    /// Worker: the call of this name has come so far. Two stores, where the message is the same.
    #[inline]
    pub(crate) fn set(&self, of: u64, done: u64, total: u64, message: &str) {
        if self.of.load(Relaxed) != of {
            return self.begin(of, done, total, message);
        }
        self.total.store(total, Relaxed);
        self.done.store(done, Relaxed);
        if !self.message.says(message) {
            self.message.set(message);
        }
    }

    /// The first report of a call.
    #[cold]
    fn begin(&self, of: u64, done: u64, total: u64, message: &str) {
        self.hand_over();
        self.total.store(total, Relaxed);
        self.done.store(done, Relaxed);
        self.message.set(message);
        self.of.store(of, Release);
    }

    /// Names nobody while it changes hands.
    fn hand_over(&self) {
        self.of.store(0, Relaxed);
        // With the fence in `get`: whoever reads what is written from here on sees that the name is gone.
        fence(Release);
    }

    /// Forgets whose it was.
    pub(crate) fn clear(&self) {
        self.of.store(0, Release);
    }

    /// As [`get`](Steps::get), the numbers alone.
    pub(crate) fn counts(&self, of: u64) -> Option<(u64, u64)> {
        (self.of.load(Acquire) == of).then_some(())?;
        let counts = (self.done.load(Relaxed), self.total.load(Relaxed));
        fence(Acquire);
        (self.of.load(Relaxed) == of).then_some(counts)
    }

    /// What the call of this name said last; `None` when it said nothing, or another one did since.
    pub(crate) fn get(&self, of: u64) -> Option<Sight> {
        (self.of.load(Acquire) == of).then_some(())?;
        let (done, total) = (self.done.load(Relaxed), self.total.load(Relaxed));
        let message = self.message.get();
        fence(Acquire);
        (self.of.load(Relaxed) == of).then_some(Sight { done, total, message })
    }

    /// Says of the call named `as_of` what `other` says of the one named `of`; `seen` remembers how far its
    /// message was followed. The message passes through no other memory of this process.
    pub(crate) fn follow(&self, other: &Steps, of: u64, as_of: u64, seen: &mut u64) {
        if other.of.load(Acquire) != of {
            return;
        }
        if self.of.load(Relaxed) != as_of {
            self.hand_over();
        }
        self.total.store(other.total.load(Relaxed), Relaxed);
        self.done.store(other.done.load(Relaxed), Relaxed);
        self.message.follow(&other.message, seen);
        self.of.store(as_of, Release);
    }
}
