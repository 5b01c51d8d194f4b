//! Who looks for calls, and who is woken for one.
//!
//! A worker is *alert* while it searches for a call, wide awake and for a moment, and while it works off calls
//! so short that it is back in a moment. Otherwise it runs a call, or it is *idle*: it sleeps. Whoever offers a
//! call wakes one idle worker, unless somebody is alert, who finds the call without being woken; and an
//! alert worker wakes an idle one when there is more than it can do in that moment. So short calls are
//! woken for seldom, and many that come at once wake each worker once. Tokio's and Go's schedulers do
//! the same with threads.
//!
//! **No lost wake-up.** Each side first says what it does, then passes a fence, and then looks at the other: the
//! one that offers sets the ready bit and looks for alert and idle ones; a worker that goes to sleep takes
//! itself out of the alert ones, sets its idle bit and looks for a ready one; one that is alert no more takes
//! itself out and looks for what was offered meanwhile. Of two that meet, one sees the other
//! (`no_wake_up_is_lost`, `what_is_offered_to_an_alert_worker_is_found`).
//!
//! An alert worker may be wrong: the call that it runs now is long for once. So the first of the idle ones *dozes*
//! while anybody is alert: it looks around now and then, at what others have in hand as well, after a millisecond
//! at first and four at most. Who becomes alert wakes it for that, who goes to rest sees that it is the first
//! (`beside_an_alert_worker_one_dozes`).
//!
//! **Background calls** have a set of their own, and the workers from some number on look there once nothing else
//! is ready; those below, the *reserved* ones, never do. Whoever offers such a call sets its bit and wakes an idle
//! worker that may run it, whoever is alert: that one may be reserved, or find other calls without end. A worker
//! that may run it and goes to sleep sets its idle bit and then looks at both sets. So of these two as well one
//! sees the other (`no_wake_up_for_a_background_call_is_lost`). The worker that was woken may take an ordinary call
//! instead, which somebody else was alert or woken for: that one finds none, and takes the background call if it
//! may; if not, it wakes a worker that may before it sleeps (`a_background_call_is_passed_on`).

use std::sync::atomic::AtomicU64;

use super::hint::{Bits, HintSet};

/// The four sets together. Hints, as all sets: after a death they are made anew.
pub(crate) struct Lookout<'a, B = AtomicU64> {
    /// Slots that may be ready.
    pub(crate) ready: HintSet<'a, B>,
    /// Slots of calls that nobody waits for, and that may be ready.
    pub(crate) background: HintSet<'a, B>,
    /// Workers that may be asleep.
    pub(crate) idle: HintSet<'a, B>,
    /// Workers that look for a call, or will in a moment.
    pub(crate) alert: HintSet<'a, B>,
}

/// How a worker rests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Not at all: there is something to do.
    Not,
    /// For a moment, for others who are alert.
    Doze,
    /// Until it is woken.
    Sleep,
}

impl<B: Bits> Lookout<'_, B> {
    /// Offers a ready slot; the worker that must be woken for it.
    #[inline]
    pub(crate) fn offer(&self, slot: usize) -> Option<usize> {
        self.ready.insert_then(slot, || if self.alert.any() { None } else { self.idle.take(slot) })
    }

    /// Offers a ready slot whose call nobody waits for; the worker, none before `from`, that must be woken for it.
    pub(crate) fn offer_background(&self, slot: usize, from: usize) -> Option<usize> {
        self.background.insert_then(slot, || self.idle.take_after(from))
    }

    /// Worker before `from`: is idle, and the worker that must be woken for what it must not run itself.
    pub(crate) fn pass_on(&self, from: usize) -> Option<usize> {
        if self.background.any() { self.idle.take_after(from) } else { None }
    }

    /// Worker: is alert from now on; an idle worker that must be woken, so that one dozes.
    #[inline]
    pub(crate) fn wake_up(&self, worker: usize) -> Option<usize> {
        self.alert.insert_then(worker, || self.who_dozes())
    }

    /// Worker: is alert from now on, and looks for a call. Once it has one somebody [is to doze](Self::who_dozes).
    #[inline]
    pub(crate) fn search(&self, worker: usize) {
        self.alert.insert_then(worker, || ());
    }

    /// The idle worker that must be woken, so that it dozes.
    #[inline]
    pub(crate) fn who_dozes(&self) -> Option<usize> {
        self.idle.take(0)
    }

    /// Worker: runs a call that may be long, and is not alert any more; the worker that must be woken for what
    /// else is there.
    #[inline]
    pub(crate) fn settle_down(&self, worker: usize) -> Option<usize> {
        self.alert.remove(worker);
        B::meet();
        if self.ready.any() && !self.alert.any() { self.idle.take(worker) } else { None }
    }

    /// Whether there may be a call for a worker, which may run `background` ones or not.
    #[inline]
    pub(crate) fn any(&self, background: bool) -> bool {
        self.ready.any() || background && self.background.any()
    }

    /// Worker: is not alert any more, and idle from now on; how it may rest, if nothing is ready for it and nothing
    /// `else`.
    #[inline]
    pub(crate) fn rest(&self, worker: usize, background: bool, or_else: impl FnOnce() -> bool) -> Rest {
        self.alert.remove(worker);
        if self.idle.insert_then(worker, || self.any(background) || or_else()) {
            Rest::Not
        } else if self.alert.any() && self.idle.first() == Some(worker) {
            Rest::Doze
        } else {
            Rest::Sleep
        }
    }

    /// Takes out a worker that is neither any more.
    pub(crate) fn forget(&self, worker: usize) {
        self.alert.remove(worker);
        self.idle.remove(worker);
    }
}
