//! Which call a worker runs next.
//!
//! Short calls are taken several at a time: a worker takes their hints with one swap and follows them one after
//! the other, claiming and beginning each call with swaps of its own. What it has not come to is ready all the
//! while, for anybody: the one that dozes looks at the others' hands now and then, and after a death or a
//! stop all hints are made anew. How many it takes follows from how long calls took lately, and from
//! how many there are for how many workers, so that uneven calls still end together.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use crate::processes::clock;
use crate::processes::queue;
use crate::processes::repair::wake_worker;
use crate::processes::worker::aside::Sight;
use crate::processes::worker::rest::DOZE;
use crate::processes::worker::{Worker, progress};
use crate::shm::hint::Members;
use crate::shm::region::Region;
use crate::shm::tally::Tally;
use crate::shm::word::{Phase, Word};
use crate::sys::fault::point;

/// Calls are taken for about so many nanoseconds at a time: what it takes to wake another worker.
const SPAN: u64 = 20_000;
/// The most calls that are taken at a time.
const MOST: u32 = 16;

/// The hints that a worker holds, and how fast it works them off.
pub(super) struct Hand {
    hints: Members,
    /// When they were taken.
    since: u64,
    /// Calls run since then.
    run: u32,
    /// How many calls fit in the span.
    fit: u32,
    /// Whether this worker counts among the alert ones.
    pub(super) alert: bool,
    /// Whether somebody else is to doze from the next call on: this worker was the one that does, or is alert
    /// since it began to search, when nobody needed to.
    pub(super) owes_watch: bool,
    /// How long it dozes next.
    pub(super) doze: Duration,
    /// Whom it may keep from running.
    behind: Sight,
}

impl Hand {
    pub(super) fn empty() -> Hand {
        Hand {
            hints: Members::default(),
            since: 0,
            run: 0,
            fit: 1,
            alert: false,
            owes_watch: false,
            doze: DOZE,
            behind: Sight::default(),
        }
    }

    /// A call that was claimed is not run here.
    pub(super) fn pass(&mut self) {
        self.run = self.run.saturating_sub(1);
    }

    /// How long calls took lately; asked whenever the hand is empty.
    fn pace(&mut self, tally: &Tally) {
        let now = clock::now();
        if self.run != 0 {
            let spent = now.saturating_sub(self.since);
            tally.ran(self.run, spent);
            let each = (spent / u64::from(self.run)).max(1);
            let fit = u32::try_from(SPAN / each).unwrap_or(MOST);
            self.fit = fit.clamp(1, (self.fit * 2).min(MOST));
        }
        (self.since, self.run) = (now, 0);
    }
}

impl Worker<'_> {
    /// Counts the time of what was run, before this worker leaves.
    pub(super) fn settle(&self, hand: &mut Hand) {
        hand.pace(self.region.tally(self.index));
    }

    /// Claims a call, in about the order of arrival.
    #[inline]
    pub(super) fn next(&self, hand: &mut Hand) -> Option<usize> {
        loop {
            let slot = match hand.hints.next() {
                Some(slot) => slot,
                None => self.take(hand)?,
            };
            if queue::claim(self.region, slot, self.index, self.runs_background()) {
                point("claimed");
                hand.run += 1;
                return Some(slot);
            }
        }
    }

    /// Whether it may run calls that nobody waits for.
    #[inline]
    pub(super) fn runs_background(&self) -> bool {
        self.seat >= self.limits.background_from
    }

    /// Takes hints; the first of them.
    fn take(&self, hand: &mut Hand) -> Option<usize> {
        // Those who wait for slots wait for many: what was run is counted together.
        if hand.run != 0 {
            progress(self.region, hand.run);
        }
        let tally = self.region.tally(self.index);
        hand.pace(tally);
        let (fit, workers) = (hand.fit, self.region.geometry().workers as u32);
        let share = |there: u32| fit.min(there.div_ceil(workers));
        let taken = queue::take(self.region, self.runs_background(), share);
        tally.hold(if taken.is_some() { hand.since } else { 0 });
        hand.hints = taken?;
        point("hint-taken");
        let first = hand.hints.next();
        if hand.hints.bits != 0 {
            self.show(hand);
        }
        self.look_around(hand);
        first
    }

    /// Lets the others see what is in this hand.
    fn show(&self, hand: &Hand) {
        let record = self.region.worker(self.index);
        record.hand_word.store(hand.hints.word as u32, Relaxed);
        record.hand.store(hand.hints.bits, Release);
        point("hand-shown");
    }

    /// Stays alert while calls are short, and sees to it that there are workers enough.
    fn look_around(&self, hand: &mut Hand) {
        let lookout = self.region.lookout();
        let brisk = hand.fit > 1;
        let more = || self.is_core_free() && lookout.ready.len() >= hand.fit as usize;
        let sleeper = match (brisk, hand.alert) {
            (true, false) => lookout.wake_up(self.index),
            (false, true) => lookout.settle_down(self.index),
            _ if hand.owes_watch => lookout.who_dozes(),
            _ if brisk && more() => lookout.idle.take(self.index),
            _ => None,
        };
        (hand.alert, hand.owes_watch, hand.doze) = (brisk, false, DOZE);
        if self.sandbox.is_none() {
            self.step_aside(&mut hand.behind, hand.since);
        }
        if let Some(sleeper) = sleeper {
            wake_worker(self.region, sleeper);
        }
    }

    /// Whether one more worker has a core to run on. Whoever sends calls has one until it sleeps: a worker that
    /// is woken before takes it from the sender, finds little, and sleeps again.
    fn is_core_free(&self) -> bool {
        self.region.awake() + usize::from(!self.do_senders_sleep()) < self.patience.cores
    }

    /// Whether a thread of the client waits; then none sends, as far as is known.
    pub(super) fn do_senders_sleep(&self) -> bool {
        let head = self.region.head();
        head.dormant.load(Relaxed) != 0 || head.sleepers.load(Relaxed) != 0
    }
}

/// Offers what is in workers' hands and not begun to everybody.
pub(super) fn spread_hands(region: &Region) {
    for worker in 0..region.geometry().workers {
        let record = region.worker(worker);
        let bits = record.hand.load(Acquire);
        let hints = Members { word: record.hand_word.load(Relaxed) as usize, bits };
        // The hand may be an old one, and a hostile worker's anything: the words say what is ready.
        for slot in hints.take_while(|slot| *slot < region.geometry().slots) {
            let word = region.slot(slot).state.state();
            if word.phase() == Some(Phase::Ready) {
                queue::remind(region, slot, word);
            }
        }
    }
}
