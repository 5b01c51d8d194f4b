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

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::shm::hint::{Cursor, Members};
use crate::shm::region::Region;
use crate::shm::word::{Phase, State, Word};

/// Sets the hint of a call whose word is ready, wherever it came from.
pub(in crate::processes) fn remind(region: &Region, slot: usize, word: State) {
    region.ready().insert(slot);
    if word.level() != 0 {
        announce(region);
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

/// Takes the hints of the calls that come next: one if there are priorities, else as many as `share` says.
#[inline]
pub(in crate::processes) fn take(region: &Region, share: impl Fn(u32) -> u32) -> Option<Members> {
    let head = region.head();
    if head.ranked.load(Relaxed) != 0
        && let Some(slot) = take_best(region)
    {
        return Some(Members::one(slot));
    }
    Cursor(&head.claim_cursor.0).take_some(region.ready(), share)
}

/// Takes the hint of the call with the highest priority; `None` if none has one.
#[cold]
fn take_best(region: &Region) -> Option<usize> {
    let (head, ready) = (region.head(), region.ready());
    loop {
        // Before the look: what is announced later moves it.
        let seen = head.ranked.load(Acquire);
        let cursor = head.claim_cursor.0.load(Relaxed) as usize;
        let (mut first, mut best, mut any) = (None, None, false);
        for slot in ready.seen_from(cursor) {
            let Some(level) = level(region, slot) else { continue };
            first = first.or(Some(slot));
            any |= level != 0;
            if best.is_none_or(|(_, highest)| level > highest) {
                best = Some((slot, level));
            }
        }
        if !any {
            let _ = head.ranked.compare_exchange(seen, 0, AcqRel, Relaxed);
            return None;
        }
        let (slot, _) = best?;
        if ready.remove(slot) {
            if first == Some(slot) {
                // Nobody is passed over.
                head.claim_cursor.0.store(slot as u32 + 1, Relaxed);
            }
            return Some(slot);
        }
        // Somebody else was faster.
    }
}

/// The priority of a call whose hint is there; `None`, and no hint, where none is ready.
fn level(region: &Region, slot: usize) -> Option<i8> {
    let word = region.slot(slot).state;
    let ready = |state: State| (state.phase() == Some(Phase::Ready)).then(|| state.level());
    ready(word.state()).or_else(|| {
        // Or the next look finds it again, and the one after that. Whoever publishes a call sets its hint
        // afterwards: one that goes here by mistake belongs to a call that is seen now.
        region.ready().remove(slot);
        let level = ready(word.state())?;
        region.ready().insert(slot);
        Some(level)
    })
}

#[cfg(test)]
mod test;
