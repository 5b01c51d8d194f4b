//! The state word of a slot: one 64-bit word decides who owns a call; everything else is a hint.
//!
//! ```text
//! 63           32 31         30    16 15    12 11    8 7         6       5        4       3..0
//! [ generation ]  background [ owner ][ level ][ tries ] cancelled expired detached waiting phase
//! ```
//!
//! Background and level are the call's [`Rank`], from `publish` to the end of its use of the slot.
//!
//! The low half is what the futex sees. It is changed by compare-and-swap alone, so of two processes
//! that want the same call one gets it, and a process that dies between two instructions leaves a
//! word that says exactly how far it came.
//!
//! | verb | from → to | who | if that process dies right here |
//! |---|---|---|---|
//! | [`reserve`] | free → filling | client | the client's end is the pool's end |
//! | [`publish`] | filling → ready | client | as above |
//! | [`abandon`] | filling → free | client, supervisor | as above |
//! | [`cool`] | free → filling, the supervisor's | supervisor | the client frees it with the next supervisor |
//! | [`claim`] | ready → claimed | worker | supervisor [`requeue`]s: the call runs elsewhere |
//! | [`begin`] | claimed → running | worker | supervisor [`bury`]s (or requeues, with retries): `Died` |
//! | [`finish`] | running → done, free if detached | worker | the result stands; the supervisor wakes who waits |
//! | [`requeue`] | claimed, running → ready | supervisor | the client does it with the next supervisor |
//! | [`take_back`] | claimed → ready | supervisor, client | it is ready: the next look at the words finds it |
//! | [`bury`] | claimed, running → died, free if detached | supervisor | as above |
//! | [`expire`] | running + expired bit | supervisor | the worker dies with it |
//! | [`cancel`] | ready → collecting; claimed, running + cancelled bit | client | its end is the pool's end |
//! | [`wait`] | + waiting bit | client | as above |
//! | [`detach`] | + detached bit | client | as above |
//! | [`collect`] | done, died → collecting | client | as above |
//! | [`release`] | collecting → free | client | as above |
//! | [`renew`] | done, died → filling, the next generation | client | as above |
//!
//! Orderings: every swap is `AcqRel`. What `publish` releases (header and arguments) `claim`
//! acquires; what `finish` or `bury` releases (outcome and result) `collect` acquires; what `release`
//! releases (the reader is through) `reserve` acquires.
//!
//! [`reserve`]: Word::reserve
//! [`publish`]: Word::publish
//! [`abandon`]: Word::abandon
//! [`cool`]: Word::cool
//! [`claim`]: Word::claim
//! [`begin`]: Word::begin
//! [`finish`]: Word::finish
//! [`requeue`]: Word::requeue
//! [`take_back`]: Word::take_back
//! [`bury`]: Word::bury
//! [`expire`]: Word::expire
//! [`cancel`]: Word::cancel
//! [`wait`]: Word::wait
//! [`detach`]: Word::detach
//! [`collect`]: Word::collect
//! [`release`]: Word::release
//! [`renew`]: Word::renew

use std::sync::atomic::Ordering::{AcqRel, Acquire};

/// How often a call may be given back unbegun before the pool gives up on it.
pub(crate) const MAX_TRIES: u8 = 10;

/// The owner of a free slot whose windows the supervisor empties; no worker has the number.
const SUPERVISOR: u16 = OWNER as u16;

/// A 64-bit atomic. A trait, because a model checker's atomics cannot be laid over shared memory.
pub(crate) trait Atomic64 {
    fn load(&self) -> u64;
    fn swap_if(&self, current: u64, new: u64) -> Result<(), u64>;
}

impl Atomic64 for std::sync::atomic::AtomicU64 {
    #[inline]
    fn load(&self) -> u64 {
        self.load(Acquire)
    }

    #[inline]
    fn swap_if(&self, current: u64, new: u64) -> Result<(), u64> {
        self.compare_exchange(current, new, AcqRel, Acquire).map(drop)
    }
}

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    Free = 0,
    Filling = 1,
    Ready = 2,
    Claimed = 3,
    Running = 4,
    Done = 5,
    Died = 6,
    Collecting = 7,
}

const PHASE: u64 = 0xf;
const WAITING: u64 = 1 << 4;
const DETACHED: u64 = 1 << 5;
const EXPIRED: u64 = 1 << 6;
const CANCELLED: u64 = 1 << 7;
const TRIES_SHIFT: u32 = 8;
const TRIES: u64 = 0xf;
const LEVEL_SHIFT: u32 = 12;
const LEVEL: u64 = 0xf;
const OWNER_SHIFT: u32 = 16;
const OWNER: u64 = 0x7fff;
const BACKGROUND: u64 = 1 << 31;
const GENERATION_SHIFT: u32 = 32;

/// What a call comes before, and what it comes after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rank {
    /// Higher ones first; within [`Rank::LEVELS`].
    pub(crate) level: i8,
    /// Nobody waits for it: it comes after all others, and its times are taken down.
    pub(crate) background: bool,
}

impl Rank {
    /// What four bits can say, the same up and down.
    pub(crate) const LEVELS: std::ops::RangeInclusive<i8> = -7..=7;

    fn bits(self) -> u64 {
        (self.level as u64 & LEVEL) << LEVEL_SHIFT | if self.background { BACKGROUND } else { 0 }
    }
}

/// One look at a state word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(u64);

impl State {
    /// The phase; `None` when the word is one that this protocol never writes.
    #[inline]
    pub(crate) fn phase(self) -> Option<Phase> {
        use Phase::*;
        [Free, Filling, Ready, Claimed, Running, Done, Died, Collecting]
            .get((self.0 & PHASE) as usize)
            .copied()
    }

    fn is(self, phase: Phase) -> bool {
        self.0 & PHASE == phase as u64
    }

    /// Which use of the slot this is.
    #[inline]
    pub(crate) fn generation(self) -> u32 {
        (self.0 >> GENERATION_SHIFT) as u32
    }

    /// The worker that claimed or runs the call.
    pub(crate) fn owner(self) -> u16 {
        (self.0 >> OWNER_SHIFT & OWNER) as u16
    }

    /// Whether the supervisor empties the slot's windows.
    pub(crate) fn is_cooling(self) -> bool {
        self.owned(Phase::Filling, SUPERVISOR)
    }

    /// How often the call was given back.
    pub(crate) fn tries(self) -> u8 {
        (self.0 >> TRIES_SHIFT & TRIES) as u8
    }

    /// How urgent the call is.
    #[inline]
    pub(crate) fn level(self) -> i8 {
        // Its sign is the highest of four bits.
        (((self.0 >> LEVEL_SHIFT & LEVEL) << 4) as i8) >> 4
    }

    /// Whether nobody waits for the call.
    #[inline]
    pub(crate) fn is_background(self) -> bool {
        self.0 & BACKGROUND != 0
    }

    /// Whether a thread of the client sleeps on this word.
    pub(crate) fn waiting(self) -> bool {
        self.0 & WAITING != 0
    }

    /// Whether nobody will collect the result.
    pub(crate) fn detached(self) -> bool {
        self.0 & DETACHED != 0
    }

    /// Whether the supervisor is ending the worker over this call.
    pub(crate) fn expired(self) -> bool {
        self.0 & EXPIRED != 0
    }

    /// Whether the client wants the call ended.
    pub(crate) fn cancelled(self) -> bool {
        self.0 & CANCELLED != 0
    }

    /// The word without the bits that are set while it stays in the same hands.
    pub(crate) fn without_flags(self) -> State {
        State(self.0 & !(WAITING | DETACHED | EXPIRED | CANCELLED))
    }

    /// The half that the futex compares.
    #[inline]
    pub(crate) fn futex_half(self) -> u32 {
        self.0 as u32
    }

    fn to(self, phase: Phase) -> State {
        State(self.0 & !PHASE | phase as u64)
    }

    fn owned_by(self, owner: u16) -> State {
        State(self.0 & !(OWNER << OWNER_SHIFT) | (u64::from(owner) & OWNER) << OWNER_SHIFT)
    }

    /// The word of a slot that was just taken.
    fn filling(generation: u32) -> State {
        State(u64::from(generation) << GENERATION_SHIFT).to(Phase::Filling)
    }

    /// A free word of the same generation.
    fn cleared(self) -> State {
        State(u64::from(self.generation()) << GENERATION_SHIFT)
    }

    fn owned(self, phase: Phase, owner: u16) -> bool {
        self.is(phase) && self.owner() == owner
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.phase() {
            Some(phase) => write!(f, "{phase:?}")?,
            None => write!(f, "impossible {:#x}", self.0)?,
        }
        write!(f, " generation {} owner {} tries {}", self.generation(), self.owner(), self.tries())?;
        if self.level() != 0 {
            write!(f, " level {}", self.level())?;
        }
        let flags =
            [(self.waiting(), " waiting"), (self.detached(), " detached"), (self.expired(), " expired")];
        let flags = flags
            .into_iter()
            .chain([(self.cancelled(), " cancelled"), (self.is_background(), " background")]);
        flags.filter(|(set, _)| *set).try_for_each(|(_, name)| f.write_str(name))
    }
}

/// What became of a call that its worker finished or its supervisor buried.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The outcome waits to be collected; `wake` if somebody sleeps on the word.
    Kept { wake: bool, expired: bool },
    /// Nobody wanted it: the slot is free again.
    Freed { expired: bool },
    /// The word says that the call is not the caller's: it changed nothing.
    NotMine,
}

/// What became of a call that a dead or stopped worker had in hand.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Requeued {
    /// Ready again.
    Ready,
    /// It was given back too often.
    TooOften,
    /// The word says that the call is not that worker's.
    NotMine,
}

/// What became of a handle that was dropped.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Detached {
    /// Whoever finishes the call frees its slot.
    Left,
    /// It is finished: the caller must collect and release it.
    Finished,
    /// The slot is in other hands already.
    Gone,
}

/// What became of a call that somebody wants ended.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// It was queued: the caller holds it as if it had collected it, and must release it.
    Withdrawn,
    /// It is in a worker's hands: the supervisor must look.
    Marked,
    /// It is finished, or no longer in this slot.
    TooLate,
}

/// The verbs of a slot.
pub(crate) trait Word: Atomic64 {
    /// Looks at the word.
    #[inline]
    fn state(&self) -> State {
        State(Atomic64::load(self))
    }

    /// Swaps as long as `next` gives a new state; returns what was there when it did.
    #[inline]
    fn advance(&self, mut next: impl FnMut(State) -> Option<State>) -> Result<State, State> {
        let mut current = Atomic64::load(self);
        loop {
            let Some(new) = next(State(current)) else { return Err(State(current)) };
            match self.swap_if(current, new.0) {
                Ok(()) => return Ok(State(current)),
                Err(changed) => current = changed,
            }
        }
    }

    /// Client: takes a free slot; the new generation.
    #[inline]
    fn reserve(&self) -> Option<u32> {
        let next =
            |state: State| state.is(Phase::Free).then(|| State::filling(state.generation().wrapping_add(1)));
        self.advance(next).ok().map(|old| old.generation().wrapping_add(1))
    }

    /// Client: hands the filled slot to the workers, as an ordinary call.
    #[inline]
    fn publish(&self, generation: u32) -> bool {
        self.publish_as(generation, Rank::default())
    }

    /// As [`publish`](Word::publish), as a call of this rank.
    #[inline]
    fn publish_as(&self, generation: u32, rank: Rank) -> bool {
        let filled = |s: State| s.is(Phase::Filling) && s.generation() == generation;
        self.advance(|s| filled(s).then(|| State(s.to(Phase::Ready).0 | rank.bits()))).is_ok()
    }

    /// Client: gives a slot back that it could not fill.
    fn abandon(&self, generation: u32) -> bool {
        self.advance(|s| (s.is(Phase::Filling) && s.generation() == generation).then(|| s.cleared())).is_ok()
    }

    /// Supervisor: keeps a free slot from the client while its windows are emptied, and then abandons it; its
    /// generation, which stays.
    fn cool(&self) -> Option<u32> {
        let next = |s: State| s.is(Phase::Free).then(|| s.cleared().to(Phase::Filling).owned_by(SUPERVISOR));
        self.advance(next).ok().map(State::generation)
    }

    /// Worker: takes a ready call.
    #[inline]
    fn claim(&self, owner: u16) -> bool {
        self.advance(|s| s.is(Phase::Ready).then(|| s.to(Phase::Claimed).owned_by(owner))).is_ok()
    }

    /// As [`claim`](Word::claim), unless nobody waits for it.
    #[inline]
    fn claim_ordinary(&self, owner: u16) -> bool {
        let mine = |s: State| s.is(Phase::Ready) && !s.is_background();
        self.advance(|s| mine(s).then(|| s.to(Phase::Claimed).owned_by(owner))).is_ok()
    }

    /// Worker: begins the call it claimed; user code may run from here on.
    #[inline]
    fn begin(&self, owner: u16) -> bool {
        self.advance(|s| s.owned(Phase::Claimed, owner).then(|| s.to(Phase::Running))).is_ok()
    }

    /// Worker: the outcome is written.
    #[inline]
    fn finish(&self, owner: u16) -> Settled {
        settle(self, Phase::Done, |s| s.owned(Phase::Running, owner))
    }

    /// Supervisor: the worker died, and the outcome that says so is written.
    fn bury(&self, owner: u16) -> Settled {
        settle(self, Phase::Died, |s| s.owned(Phase::Running, owner) || s.owned(Phase::Claimed, owner))
    }

    /// Supervisor: the worker died; lets another one run the call. Only one that had not `begun` counts as
    /// a try: how often one that had may run again, its retries say.
    ///
    /// The phase says whether it had, but for a call that the supervisor of a sandboxed pool handed out: that
    /// one is running from then on, and the word in its worker's private region says it.
    fn requeue(&self, owner: u16, begun: bool) -> Requeued {
        let mut too_often = false;
        let result = self.advance(|s| {
            let mine = s.owned(Phase::Running, owner) || s.owned(Phase::Claimed, owner);
            too_often = mine && !begun && s.tries() >= MAX_TRIES;
            (mine && !too_often).then(|| {
                let tries = u64::from(s.tries().saturating_add(u8::from(!begun))) << TRIES_SHIFT;
                let kept = s.to(Phase::Ready).owned_by(0).0 & !(TRIES << TRIES_SHIFT) & !EXPIRED;
                State(kept | tries)
            })
        });
        match result {
            Ok(_) => Requeued::Ready,
            Err(_) if too_often => Requeued::TooOften,
            Err(_) => Requeued::NotMine,
        }
    }

    /// Supervisor or client: the claimed call whose word is `seen` does not get begun, because its owner is
    /// stopped or never claimed it; lets another one run it. Counts as a try.
    ///
    /// Safe while the owner lives. It names itself to begin, so it begins only what it claimed, and a word
    /// that is `Claimed` by it once more can only come from a later claim of its own: it went through with
    /// this one first. So of `begin` and this one swap succeeds, and the call is begun once
    /// (`a_call_taken_back_is_begun_once`). It never touches a call that is running.
    fn take_back(&self, seen: State) -> Requeued {
        if !seen.is(Phase::Claimed) {
            return Requeued::NotMine;
        }
        if seen.tries() >= MAX_TRIES {
            return Requeued::TooOften;
        }
        let tries = u64::from(seen.tries() + 1) << TRIES_SHIFT;
        let ready = seen.to(Phase::Ready).owned_by(0).0 & !(TRIES << TRIES_SHIFT) | tries;
        match self.swap_if(seen.0, ready) {
            Ok(()) => Requeued::Ready,
            Err(_) => Requeued::NotMine,
        }
    }

    /// Supervisor: from here on the worker is as good as dead; should it still finish, it takes no
    /// further call, so that the signal on its way meets no innocent one.
    fn expire(&self, owner: u16, generation: u32) -> bool {
        self.advance(|s| {
            (s.owned(Phase::Running, owner) && s.generation() == generation).then_some(State(s.0 | EXPIRED))
        })
        .is_ok()
    }

    /// Client: wants the call ended.
    fn cancel(&self, generation: u32) -> Cancelled {
        let result = self.advance(|s| match s.phase() {
            _ if s.generation() != generation => None,
            Some(Phase::Ready) => Some(s.to(Phase::Collecting)),
            Some(Phase::Claimed | Phase::Running) => Some(State(s.0 | CANCELLED)),
            _ => None,
        });
        match result {
            Ok(old) if old.is(Phase::Ready) => Cancelled::Withdrawn,
            Ok(_) => Cancelled::Marked,
            Err(_) => Cancelled::TooLate,
        }
    }

    /// Client: announces a sleeper; the state to sleep on, or the one that makes sleep needless.
    fn wait(&self, generation: u32) -> Result<State, State> {
        let pending = |s: State| {
            s.generation() == generation
                && matches!(s.phase(), Some(Phase::Ready | Phase::Claimed | Phase::Running))
        };
        let current = self.state();
        if pending(current) && current.waiting() {
            return Ok(current);
        }
        self.advance(|s| pending(s).then_some(State(s.0 | WAITING))).map(|old| State(old.0 | WAITING))
    }

    /// Client: nobody will collect this call.
    fn detach(&self, generation: u32) -> Detached {
        let result = self.advance(|s| {
            let pending = matches!(s.phase(), Some(Phase::Ready | Phase::Claimed | Phase::Running));
            (pending && s.generation() == generation).then_some(State(s.0 | DETACHED))
        });
        match result {
            Ok(_) => Detached::Left,
            Err(s) if s.generation() == generation && (s.is(Phase::Done) || s.is(Phase::Died)) => {
                Detached::Finished
            }
            Err(_) => Detached::Gone,
        }
    }

    /// Client: takes the outcome; the holder alone may read the result window until it releases.
    #[inline]
    fn collect(&self, generation: u32) -> Result<State, State> {
        self.advance(|s| {
            let settled = s.is(Phase::Done) || s.is(Phase::Died);
            (settled && s.generation() == generation).then(|| s.to(Phase::Collecting))
        })
    }

    /// Client: the outcome is read, the slot free.
    #[inline]
    fn release(&self, generation: u32) -> bool {
        self.advance(|s| (s.is(Phase::Collecting) && s.generation() == generation).then(|| s.cleared()))
            .is_ok()
    }

    /// Client: takes the outcome, and the slot for the next call, with one swap; the new generation. The outcome
    /// stays until the slot is published.
    #[inline]
    fn renew(&self, generation: u32) -> Option<u32> {
        let next = generation.wrapping_add(1);
        let settled = |s: State| s.generation() == generation && (s.is(Phase::Done) || s.is(Phase::Died));
        self.advance(|s| settled(s).then_some(State::filling(next))).is_ok().then_some(next)
    }

    /// Client: frees a slot whose word will not change of itself, unless it has changed; because no
    /// supervisor and no worker lives, or because nobody here holds the slot.
    fn reset(&self, seen: State, generation: u32) -> bool {
        self.swap_if(seen.0, u64::from(generation) << GENERATION_SHIFT).is_ok()
    }
}

impl<A: Atomic64 + ?Sized> Word for A {}

#[inline]
fn settle<A: Word + ?Sized>(word: &A, phase: Phase, mine: impl Fn(State) -> bool) -> Settled {
    let result = word.advance(|s| mine(s).then(|| if s.detached() { s.cleared() } else { s.to(phase) }));
    match result {
        Ok(old) if old.detached() => Settled::Freed { expired: old.expired() },
        Ok(old) => Settled::Kept { wake: old.waiting(), expired: old.expired() },
        Err(_) => Settled::NotMine,
    }
}
