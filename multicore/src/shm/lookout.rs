//! Who looks for calls, and who is woken for one.
//!
//! A worker without a call first *searches*, wide awake and for a moment, and then is *idle*: it sleeps. Whoever
//! offers a call wakes one idle worker, unless somebody searches, who finds the call without being woken. A
//! searcher that has found something leaves off and, if there is more than it took, wakes an idle one in
//! its place. So calls that come one at a time wake nobody while a worker searches, and many that come at
//! once wake each worker once. Tokio's and Go's schedulers do the same with threads.
//!
//! **No lost wake-up.** Each side first says what it does, then passes a fence, and then looks at the other: the
//! one that offers sets the ready bit and looks at searchers and idle ones; a worker that goes to sleep takes
//! itself out of the searchers, sets its idle bit and looks for a ready one; a searcher that found something
//! takes itself out and looks for more. Of two that meet, one sees the other
//! (`no_wake_up_is_lost`, `a_call_beside_the_one_that_was_found_wakes_somebody`).

use std::sync::atomic::AtomicU64;

use super::hint::{Bits, HintSet};

/// The three sets together. Hints, as all sets: after a death they are made anew.
pub(crate) struct Lookout<'a, B = AtomicU64> {
    /// Slots that may be ready.
    pub(crate) ready: HintSet<'a, B>,
    /// Workers that may be asleep.
    pub(crate) idle: HintSet<'a, B>,
    /// Workers that look for a call.
    pub(crate) searching: HintSet<'a, B>,
}

impl<B: Bits> Lookout<'_, B> {
    /// Offers a ready slot; the worker that must be woken for it.
    #[inline]
    pub(crate) fn offer(&self, slot: usize) -> Option<usize> {
        self.ready.insert_then(slot, || self.pick(slot))
    }

    /// Worker: begins to search, unless so many others do.
    #[inline]
    pub(crate) fn search(&self, worker: usize, most: usize) -> bool {
        let begins = self.searching.len() < most;
        if begins {
            self.searching.insert(worker);
        }
        begins
    }

    /// Worker: leaves off and took something, or somebody was faster; the worker that must be woken, because
    /// there is more.
    #[inline]
    pub(crate) fn found(&self, worker: usize) -> Option<usize> {
        self.searching.remove(worker);
        B::meet();
        if self.ready.any() { self.pick(worker) } else { None }
    }

    /// Worker: leaves off without anything, and is idle from now on; whether it may sleep, because there is
    /// nothing ready and nothing `else`.
    #[inline]
    pub(crate) fn rest(&self, worker: usize, or_else: impl FnOnce() -> bool) -> bool {
        self.searching.remove(worker);
        !self.idle.insert_then(worker, || self.ready.any() || or_else())
    }

    /// Takes out a worker that does neither any more.
    pub(crate) fn forget(&self, worker: usize) {
        self.searching.remove(worker);
        self.idle.remove(worker);
    }

    #[inline]
    fn pick(&self, from: usize) -> Option<usize> {
        if self.searching.any() { None } else { self.idle.take(from) }
    }
}
