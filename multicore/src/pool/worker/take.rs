//! Which call a worker runs next.
//!
//! Short calls are taken several at a time: a worker takes their hints with one swap and follows them one after
//! the other, claiming and beginning each call with swaps of its own. What it has not come to is ready all the
//! while, for anybody: a worker that has nothing else looks at the others' hands before it sleeps, and after a
//! death or a stop all hints are made anew. How many it takes follows from how long calls took lately, and from
//! how many there are for how many workers, so that uneven calls still end together.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::pool::clock;
use crate::pool::repair::wake_worker;
use crate::pool::worker::Worker;
use crate::shm::hint::{Bits, Cursor, Members};
use crate::shm::region::Region;
use crate::shm::word::{Phase, Word};
use crate::sys::fault::point;

/// Calls are taken for about so many nanoseconds at a time.
const SPAN: u64 = 20_000;
/// The most calls that are taken at a time.
const MOST: u32 = 16;

/// The hints that a worker holds, and how fast it works them off.
pub(super) struct Hand {
    hints: Members,
    /// When they were taken; 0 when the time since then says nothing.
    since: u64,
    /// Calls run since then.
    run: u32,
    /// How many to take.
    most: u32,
}

impl Hand {
    pub(super) fn empty() -> Hand {
        Hand { hints: Members::default(), since: 0, run: 0, most: 1 }
    }

    /// Time passes from here on that no call takes.
    pub(super) fn pause(&mut self) {
        self.run = 0;
    }

    /// How many calls to take now.
    fn pace(&mut self) -> u32 {
        let now = clock::now();
        if self.run != 0 {
            let each = (now.saturating_sub(self.since) / u64::from(self.run)).max(1);
            let fit = u32::try_from(SPAN / each).unwrap_or(MOST);
            self.most = fit.clamp(1, (self.most * 2).min(MOST));
        }
        (self.since, self.run) = (now, 0);
        self.most
    }
}

impl Worker<'_> {
    /// Claims a call, in about the order of arrival.
    #[inline]
    pub(super) fn next(&self, hand: &mut Hand) -> Option<usize> {
        loop {
            let slot = match hand.hints.next() {
                Some(slot) => slot,
                None => self.take(hand)?,
            };
            if self.region.slot(slot).state.claim(self.index as u16) {
                point("claimed");
                hand.run += 1;
                return Some(slot);
            }
        }
    }

    /// Takes hints; the first of them.
    fn take(&self, hand: &mut Hand) -> Option<usize> {
        let (ready, workers) = (self.region.ready(), self.region.geometry().workers as u32);
        // A sleeper that is about to wake up wants its part.
        let most = if self.region.idle().any() { 1 } else { hand.pace() };
        let share = |there: u32| most.min(there.div_ceil(workers));
        hand.hints = Cursor(&self.region.head().claim_cursor.0).take_some(ready, share)?;
        point("hint-taken");
        let first = hand.hints.next();
        if hand.hints.bits != 0 {
            self.show(hand);
        }
        first
    }

    /// Lets the others see what is in this hand.
    ///
    /// One that goes to sleep says so before it looks here: either it sees the hand, or it is seen.
    fn show(&self, hand: &mut Hand) {
        let record = self.region.worker(self.index);
        record.hand_word.store(hand.hints.word as u32, Relaxed);
        record.hand.store(hand.hints.bits, Release);
        std::sync::atomic::AtomicU64::meet();
        point("hand-shown");
        if let Some(sleeper) = self.region.idle().take(self.index) {
            self.region.ready().insert_all(std::mem::take(&mut hand.hints));
            wake_worker(self.region, sleeper);
        }
    }
}

/// Offers what is in workers' hands and not begun to everybody; whether there was anything.
pub(super) fn spread_hands(region: &Region) -> bool {
    let mut any = false;
    for worker in 0..region.geometry().workers {
        let record = region.worker(worker);
        let bits = record.hand.load(Acquire);
        if bits == 0 {
            continue;
        }
        let hints = Members { word: record.hand_word.load(Relaxed) as usize, bits };
        // The hand may be an old one, and a hostile worker's anything: the words say what is ready.
        for slot in hints.take_while(|slot| *slot < region.geometry().slots) {
            if region.slot(slot).state.state().phase() == Some(Phase::Ready) {
                region.ready().insert(slot);
                any = true;
            }
        }
    }
    any
}
