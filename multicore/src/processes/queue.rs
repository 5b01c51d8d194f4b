//! Which ready call comes next.
//!
//! Ordinary calls are taken by their hints alone, from behind the last one. Once a call of another priority is
//! offered, the head says so, and whoever takes a call looks at the words of all that are ready for the best one,
//! in the same order, until a look finds none of them. So within one priority calls are begun in about the order of
//! arrival, and calls without any pay for a load.
//!
//! The head's number is a hint like the sets: where it is lost or forged, priorities are forgotten or looked for in
//! vain, and no call with them. It is set after the hint, so that whoever sees it sees the call, and it goes back to
//! zero only if it has not moved since before the look that found nothing.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::shm::hint::{Cursor, HintSet, Members};
use crate::shm::region::Region;
use crate::shm::word::{Phase, State, Word};

/// Sets the hint of a call whose word is ready, wherever it came from.
pub(in crate::processes) fn remind(region: &Region, slot: usize, word: State) {
    if word.is_background() {
        return region.background().insert(slot);
    }
    region.ready().insert(slot);
    if word.level() != 0 {
        announce(region);
    }
}

/// Has the next search begin with this call, which is older than those that the search has come to: one that is given
/// back would else wait until all slots have had their turn, while newer calls go first.
///
/// A cursor is never moved ahead, where it would pass over somebody.
pub(in crate::processes) fn look_back(region: &Region, slot: usize) {
    let (head, slots) = (region.head(), region.geometry().slots);
    let background = region.slot(slot).state.state().is_background();
    let cursor = if background { &head.background_cursor } else { &head.claim_cursor.0 };
    let behind = (cursor.load(Relaxed) as usize % slots + slots - slot) % slots;
    if behind <= slots / 2 {
        cursor.store(slot as u32, Relaxed);
    }
}

/// Some ready call has a priority, and its hint is set.
#[cold]
pub(in crate::processes) fn announce(region: &Region) {
    let ranked = &region.head().ranked;
    if ranked.fetch_add(1, AcqRel) == u32::MAX {
        ranked.fetch_add(1, AcqRel);
    }
}

/// Claims the call in this slot for a worker, which may run `background` ones or not.
#[inline]
pub(in crate::processes) fn claim(region: &Region, slot: usize, worker: usize, background: bool) -> bool {
    // A hint may be of an earlier call in the slot.
    let word = region.slot(slot).state;
    if background { word.claim(worker as u16) } else { word.claim_ordinary(worker as u16) }
}

/// Takes the hints of the calls that come next for a worker, which may run `background` ones or not: one if there
/// are priorities, else as many as `share` says. Background calls come last, and one at a time.
#[inline]
pub(in crate::processes) fn take(
    region: &Region,
    background: bool,
    share: impl Fn(u32) -> u32,
) -> Option<Members> {
    let head = region.head();
    let best = if head.ranked.load(Relaxed) != 0 { take_best(region) } else { None };
    best.or_else(|| Cursor(&head.claim_cursor.0).take_some(region.ready(), share))
        .or_else(|| if background { take_background(region) } else { None })
}

/// Takes the hint of the ordinary call with the highest priority; `None` if none has one.
#[cold]
fn take_best(region: &Region) -> Option<Members> {
    let head = region.head();
    loop {
        // Before the look: what is announced later moves it.
        let seen = head.ranked.load(Acquire);
        let row = Row { region, hints: region.ready(), cursor: &head.claim_cursor.0, background: false };
        let Some(best) = row.best().filter(|best| best.ranked) else {
            let _ = head.ranked.compare_exchange(seen, 0, AcqRel, Relaxed);
            return None;
        };
        if row.take(&best) {
            return Some(Members::one(best.slot));
        }
        // Somebody else was faster.
    }
}

/// Takes the hint of the background call that comes next.
#[cold]
fn take_background(region: &Region) -> Option<Members> {
    let (hints, cursor) = (region.background(), &region.head().background_cursor);
    let row = Row { region, hints, cursor, background: true };
    loop {
        let best = row.best()?;
        if row.take(&best) {
            return Some(Members::one(best.slot));
        }
    }
}

/// The ready calls of one class.
struct Row<'r> {
    region: &'r Region,
    hints: HintSet<'r>,
    cursor: &'r AtomicU32,
    background: bool,
}

/// The one of them that comes next.
struct Best {
    slot: usize,
    level: i8,
    /// Whether it came before all others.
    first: bool,
    /// Whether any has a priority.
    ranked: bool,
}

impl Row<'_> {
    /// Looks at all of them, in the order of arrival.
    fn best(&self) -> Option<Best> {
        let mut best: Option<Best> = None;
        for slot in self.hints.seen_from(self.cursor.load(Relaxed) as usize) {
            let Some(level) = self.level(slot) else { continue };
            let (first, ranked) =
                (best.is_none(), level != 0 || best.as_ref().is_some_and(|best| best.ranked));
            match &mut best {
                Some(best) if level <= best.level => best.ranked = ranked,
                _ => best = Some(Best { slot, level, first, ranked }),
            }
        }
        best
    }

    /// Takes its hint; whether that was there still.
    fn take(&self, best: &Best) -> bool {
        let taken = self.hints.remove(best.slot);
        if taken && best.first {
            // Nobody is passed over.
            self.cursor.store(best.slot as u32 + 1, Relaxed);
        }
        taken
    }

    /// The priority of a call whose hint is there; `None`, and no hint, where none is ready.
    fn level(&self, slot: usize) -> Option<i8> {
        let word = self.region.slot(slot).state;
        let ready = |state: State| {
            let ours = state.phase() == Some(Phase::Ready) && state.is_background() == self.background;
            ours.then(|| state.level())
        };
        ready(word.state()).or_else(|| {
            // Or the next look finds it again, and the one after that. Whoever publishes a call sets its hint
            // afterwards: one that goes here by mistake belongs to a call that is seen now.
            self.hints.remove(slot);
            let level = ready(word.state())?;
            self.hints.insert(slot);
            Some(level)
        })
    }
}

#[cfg(test)]
mod test;
