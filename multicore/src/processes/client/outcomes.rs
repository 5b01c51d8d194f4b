//! What the client counts of its calls, and how one look at them adds up.
//!
//! Nothing is counted twice or by two: a slot's uses are counted by whoever reserves it, its calls that wait or run
//! are what its word says, and how a call failed is a number in its header, which whoever fails the call writes
//! before it settles ([`Report::put`](crate::report::Report::put)). The client counts that number, and takes it
//! away, when it frees the slot, or when it reserves a slot that somebody else has freed. What succeeds is
//! whatever is left: it costs nothing. A process that is killed in the middle of all this has either settled
//! its call, with its verdict, or the supervisor writes another.
//!
//! The look holds off whoever moves a number from one place to another; each of those is on a way that is
//! no call's: calls that fail, or are not sent.

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicU64, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::processes::client::Client;
use crate::processes::client::life::{Loss, Standing};
use crate::processes::clock;
use crate::shm::layout::Verdict;
use crate::shm::word::{Phase, State, Word};
use crate::stats::CallCounts;

/// How often a slot that changes meanwhile is looked at again.
const LOOKS: u32 = 1000;
/// The first calls of each slot tell how long they waited, and then one in so many.
const FIRST: u32 = 4;
const EVERY: u32 = 64;

/// Whether this use of a slot is one whose call tells how long it waits.
#[inline]
pub(in crate::processes) fn is_sample(generation: u32) -> bool {
    generation <= FIRST || generation.is_multiple_of(EVERY)
}

/// What is counted where no call comes by that succeeds.
pub(in crate::processes) struct Outcomes {
    counts: Mutex<Counts>,
    /// When the pool was opened.
    pub(in crate::processes) opened: u64,
}

#[derive(Default)]
pub(in crate::processes) struct Counts {
    /// Uses of slots for no call.
    pub(in crate::processes) unsent: u64,
    /// Calls that failed, and nothing of those that wait or run.
    failed: CallCounts,
    /// Supervisors after the first.
    pub(in crate::processes) supervisors: u64,
    /// How long each worker was said to be busy.
    busy: Vec<u64>,
}

impl Counts {
    /// How long a worker is to be said to be busy, so that it never gets less. One that had read the clock and was
    /// not yet through with its count, when somebody looked who read the clock later, ends with less than he saw.
    pub(in crate::processes) fn busy(&mut self, worker: usize, nanoseconds: u64) -> u64 {
        self.busy.resize(self.busy.len().max(worker + 1), 0);
        self.busy[worker] = self.busy[worker].max(nanoseconds);
        self.busy[worker]
    }

    pub(in crate::processes) fn count(&mut self, verdict: Verdict) {
        count(&mut self.failed, verdict);
    }

    /// A call that nobody settles any more.
    pub(in crate::processes) fn count_loss(&mut self, loss: &Loss) {
        match loss {
            Loss::Garbled => self.failed.died += 1,
            Loss::Cancelled => self.failed.cancelled += 1,
            Loss::Closed | Loss::GaveUp { .. } | Loss::Registry { .. } | Loss::Os { .. } => {
                self.failed.lost += 1;
            }
        }
    }
}

fn count(counts: &mut CallCounts, verdict: Verdict) {
    *match verdict {
        Verdict::Panicked => &mut counts.panicked,
        Verdict::Failed => &mut counts.failed,
        Verdict::Died => &mut counts.died,
        Verdict::TimedOut => &mut counts.timed_out,
        Verdict::Cancelled => &mut counts.cancelled,
    } += 1;
}

impl Outcomes {
    pub(in crate::processes) fn open() -> Outcomes {
        Outcomes { counts: Mutex::default(), opened: clock::now() }
    }

    /// Whoever needs the lock of the kept outcomes as well takes that one before.
    pub(in crate::processes) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a counter of a slot that this thread holds.
#[inline]
pub(in crate::processes) fn add(counter: &AtomicU64, number: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(number), Relaxed);
}

/// What was counted, as of one look.
pub(in crate::processes) struct Totals {
    pub(in crate::processes) calls: CallCounts,
    pub(in crate::processes) bytes_sent: u64,
    pub(in crate::processes) bytes_received: u64,
    pub(in crate::processes) supervisors: u64,
    /// Whether no call runs any more.
    pub(in crate::processes) over: bool,
}

/// One slot's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sight {
    /// How many were sent.
    sent: u64,
    last: Last,
}

/// Where the last of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Queued,
    Running,
    /// With a verdict that was not counted yet.
    Settled(Option<Verdict>),
}

impl Sight {
    /// `None` if what was read belongs to different moments.
    fn of(uses: u64, seen: State, verdict: u32) -> Option<Sight> {
        let (current, next) = (uses as u32, uses.wrapping_add(1) as u32);
        let settled = Last::Settled(Verdict::of(verdict));
        let (sent, last) = match seen.phase() {
            // Not sent yet; its seat may not say so either.
            Some(Phase::Filling) if seen.generation() == next => (uses, settled),
            _ if seen.generation() != current => return None,
            Some(Phase::Filling) if !seen.is_cooling() => (uses.wrapping_sub(1), settled),
            Some(Phase::Ready | Phase::Claimed) => (uses, Last::Queued),
            // Its verdict, if it has one, may not be the last word.
            Some(Phase::Running) => (uses, Last::Running),
            _ => (uses, settled),
        };
        Some(Sight { sent, last })
    }
}

impl Client {
    /// Counts the call that was in this slot, which this thread holds, if it failed.
    #[inline]
    pub(in crate::processes) fn count_failure(&self, slot: usize) {
        if self.region.slot(slot).verdict.load(Relaxed) != 0 {
            self.count_verdict(slot);
        }
    }

    #[cold]
    fn count_verdict(&self, slot: usize) {
        let mut counts = self.outcomes.counts();
        if let Some(verdict) = Verdict::of(self.region.slot(slot).verdict.swap(0, Relaxed)) {
            counts.count(verdict);
        }
    }

    /// Counts a call that settles as lost, in a slot that was just reset; for whoever has the kept outcomes.
    pub(in crate::processes) fn count_loss(&self, slot: usize, loss: &Loss) {
        let header = self.region.slot(slot);
        // Of a run that came to nothing.
        header.verdict.store(0, Relaxed);
        header.published.store(0, Relaxed);
        self.outcomes.counts().count_loss(loss);
    }

    /// Adds up what there is.
    pub(in crate::processes) fn totals(&self) -> Totals {
        // Until it is added up nobody withdraws, loses or counts a call.
        let _kept = self.kept();
        let counts = self.outcomes.counts();
        let standing = self.standing.load(Relaxed);
        let over = standing == Standing::Closed as u32 || standing == Standing::Failed as u32;
        let (mut calls, mut sent) = (counts.failed, 0_u64);
        let (mut bytes_sent, mut bytes_received) = (0_u64, 0_u64);
        for (slot, seat) in self.seats.iter().enumerate() {
            let sight = self.sight(slot);
            sent = sent.wrapping_add(sight.sent);
            match sight.last {
                // Detached before the end, and nobody was told.
                Last::Queued | Last::Running if over => calls.lost += 1,
                Last::Queued => calls.queued += 1,
                Last::Running => calls.running += 1,
                Last::Settled(verdict) => verdict.into_iter().for_each(|verdict| count(&mut calls, verdict)),
            }
            bytes_sent = bytes_sent.wrapping_add(seat.bytes_sent.load(Relaxed));
            bytes_received = bytes_received.wrapping_add(seat.bytes_received.load(Relaxed));
        }
        calls.done = sent.saturating_sub(counts.unsent).saturating_sub(calls.accepted());
        Totals { calls, bytes_sent, bytes_received, supervisors: counts.supervisors, over }
    }

    /// One slot at one moment.
    fn sight(&self, slot: usize) -> Sight {
        let (seat, header) = (&self.seats[slot], self.region.slot(slot));
        let mut sent = 0;
        for _ in 0..LOOKS {
            let uses = seat.uses.load(Acquire);
            let seen = header.state.state();
            // Behind the word, which says whether it is the last one.
            let verdict = header.verdict.load(Relaxed);
            fence(Acquire);
            let again = header.state.state().without_flags();
            let same = again == seen.without_flags() && seat.uses.load(Relaxed) == uses;
            if let Some(sight) = Sight::of(uses, seen, verdict).filter(|_| same) {
                return sight;
            }
            sent = uses;
            std::hint::spin_loop();
        }
        // A worker wrote over the word.
        Sight { sent, last: Last::Settled(None) }
    }
}
