//! Who is told that calls have settled, where nobody sleeps on their words: one thread of the client, which looks
//! after all that are awaited.
//!
//! Whoever settles a call that has its waiting bit set *tells*: it puts the slot's number into a set, and rings if
//! that thread sleeps. Hints, as all sets: after a death whoever repairs tells anew of each call that is waited
//! for, and rings in any case; and the thread looks at all that it looks after ten times a second.
//!
//! **No lost wake-up**, in two places.
//!
//! - Whoever awaits a call puts down whom to wake, [begins](Watch::begin) the watch, passes a fence, and then sets
//!   the waiting bit, which fails where the call has settled. Whoever settles it swaps the word, passes a fence,
//!   and then looks whether there is a watch. Of the two one sees the other
//!   (`a_call_that_is_awaited_is_told_of_or_seen_to_be_settled`).
//! - The thread says that it sleeps, passes a fence, and then looks at the set; who tells puts the slot into the
//!   set, passes a fence, and then looks whether it sleeps (`what_is_told_is_found_or_rings`).

use std::sync::atomic::AtomicU64;

use super::hint::{Bits, HintSet, Members};

/// Somebody is awaited.
const WATCHED: u64 = 1;
/// The thread that looks after them sleeps on this word, or is about to.
const ASLEEP: u64 = 2;

/// The set and the word that the thread sleeps on.
pub(crate) struct Watch<'a, B = AtomicU64> {
    /// Slots whose calls may have settled.
    pub(crate) told: HintSet<'a, B>,
    pub(crate) bell: &'a B,
}

impl<B: Bits> Watch<'_, B> {
    /// Client: from now on whoever settles a call tells. Before the waiting bit is set.
    #[inline]
    pub(crate) fn begin(&self) {
        self.bell.set(WATCHED);
        B::meet();
    }

    /// Client: nobody is awaited.
    pub(crate) fn end(&self) {
        self.bell.clear(WATCHED);
    }

    /// Whoever settled the call in this slot, after the swap; whether the thread must be woken.
    #[inline]
    pub(crate) fn tell(&self, slot: usize) -> bool {
        B::meet();
        self.bell.look() & WATCHED != 0 && self.told.insert_then(slot, || self.ring())
    }

    /// Has the thread look around; whether it must be woken.
    pub(crate) fn ring(&self) -> bool {
        // Looked at first: while it is awake nobody takes the line from anybody.
        self.bell.look() & ASLEEP != 0 && self.bell.clear(ASLEEP) & ASLEEP != 0
    }

    /// The thread: sleeps from now on, while the word stays as this says; `None` when there is something to do.
    pub(crate) fn rest(&self) -> Option<u32> {
        let before = self.bell.set(ASLEEP);
        B::meet();
        (!self.told.any()).then_some((before | ASLEEP) as u32)
    }

    /// The thread: slots that it was told of, if there are any.
    pub(crate) fn heard(&self) -> Option<Members> {
        self.told.take_some(0, |all| all)
    }
}
