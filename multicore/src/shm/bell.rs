//! Who sleeps until a queue has room, or an item; and who is woken.
//!
//! A bell is a word to sleep on, which moves with each ring, and a count of those who sleep: while it is zero,
//! nobody makes a kernel call.
//!
//! **No lost wake-up.** Who goes to sleep reads the word, counts itself, passes a fence, and then tries once more; only
//! then it sleeps, on the word as it was. Who makes the next position ready passes a fence and then looks at the
//! count. Of two that meet, one sees the other: either the try succeeds, or the count is seen, and the word moved, so
//! that the sleep ends or never begins (`nobody_sleeps_beside_an_item`).
//!
//! A ring wakes one. What makes a position ready is: its producer's commit or its consumer's release; a position before it that
//! is skipped; and one before it that is claimed, where it was ready itself already. Whoever does one of these rings:
//! so one that is woken and gets a position wakes the next, if there is more
//! (`of_two_that_sleep_both_are_woken_for_two`). What is left are the rings of processes that died before they
//! rang, or were woken and died: everybody who sleeps looks every 100 ms at most.
//!
//! A process that dies in its sleep is still counted, which costs kernel calls and no more. So each counts its own
//! sleepers too, in its entry of the owners' table, after the bell's count and before it on the way back: whoever
//! removes the entry of a dead process takes that much off the bell. What is not known is too much, never too little.

use super::ring::Word64;

/// One bell.
pub(crate) struct Bell<'a, A> {
    /// Moves with each ring; its lower half is what the kernel compares.
    pub(crate) rings: &'a A,
    /// How many sleep, or are about to.
    pub(crate) sleepers: &'a A,
}

/// What to sleep on: the word as it was before the last try.
#[must_use = "one that counts itself as asleep gets up again"]
pub(crate) struct Asleep {
    pub(crate) seen: u32,
}

impl<A: Word64> Bell<'_, A> {
    /// Counts one in, whose process counts in `own`; it tries once more before it sleeps.
    pub(crate) fn lie_down(&self, own: &A) -> Asleep {
        let seen = self.rings.load() as u32;
        add(self.sleepers, 1);
        add(own, 1);
        A::meet();
        Asleep { seen }
    }

    /// Counts one out.
    pub(crate) fn get_up(&self, own: &A, _: Asleep) {
        add(own, 1_u64.wrapping_neg());
        add(self.sleepers, 1_u64.wrapping_neg());
    }

    /// After a swap: whether anybody sleeps.
    #[inline]
    pub(crate) fn is_heard(&self) -> bool {
        A::meet();
        self.sleepers.load() != 0
    }

    /// After a swap that may have made a position ready: whether somebody is to be woken. The word has moved then.
    #[inline]
    pub(crate) fn ring(&self) -> bool {
        let heard = self.is_heard();
        if heard {
            add(self.rings, 1);
        }
        heard
    }

    /// Takes off what a dead process has counted in `own`.
    pub(crate) fn forget(&self, own: &A) {
        loop {
            let count = own.load();
            if own.swap_if(count, 0).is_ok() {
                add(self.sleepers, count.wrapping_neg());
                return;
            }
        }
    }
}

fn add<A: Word64>(word: &A, count: u64) {
    let mut seen = word.load();
    while let Err(now) = word.swap_if(seen, seen.wrapping_add(count)) {
        seen = now;
    }
}
