//! What a desk has under its lock: the calls that are queued, and what each thread does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::queue::Queue;
use crate::codec::Codec;
use crate::pool::state::WorkerState;
use crate::shared::travel::Named;
use crate::shm::own::Memory;
use crate::shm::tally::ReuseCounts;
use crate::stats::WorkerStats;
use crate::threads::count::Count;
use crate::threads::work::{Outcome, Work};

pub(super) struct Calls {
    pub(super) standing: Standing,
    /// Queued, running, and about to be queued.
    pub(super) under_way: usize,
    pub(super) queue: Queue,
    /// Calls under way that nobody waits for.
    pub(super) background: usize,
    /// Those who await room, by number, in turn.
    pub(super) line: VecDeque<(u64, Waker)>,
    /// The last number in line.
    pub(super) last: u64,
    /// Threads that look for calls, or are about to.
    pub(super) runners: usize,
    pub(super) seats: Vec<Seat>,
    /// What a start hook died of.
    pub(super) failed: Option<String>,
    /// How many sleep on `moved`.
    pub(super) sleepers: usize,
    pub(super) count: Count,
    /// Threads that may run calls that nobody waits for, at once.
    pub(super) most_background: usize,
}

/// One thread.
#[derive(Default)]
pub(super) struct Seat {
    pub(super) standing: Presence,
    pub(super) work: Option<Arc<Work>>,
    /// Calls that it has begun.
    pub(super) calls: u64,
    /// When it began the one that it runs.
    pub(super) begun: Option<Instant>,
    /// Time with calls that are over.
    pub(super) busy: Duration,
    pub(super) born: Option<Instant>,
    /// How it came by its resources; the thread counts.
    pub(super) resources: Arc<ReuseCounts>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Presence {
    #[default]
    Expected,
    Here,
    /// A start hook failed.
    Failed,
    Gone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Open,
    /// Finishes what it has accepted.
    Closing,
    Closed,
}

/// A call that waits for a thread.
pub(super) struct Queued {
    pub(super) since: Instant,
    pub(super) work: Arc<Work>,
    pub(super) arguments: Arguments,
}

/// What a thread decodes.
pub(super) struct Arguments {
    pub(super) memory: Memory,
    pub(super) len: usize,
    pub(super) codec: Codec,
    pub(super) named: Named,
}

impl Calls {
    /// The oldest call that is queued, for this thread; without one it looks no more.
    pub(super) fn next(&mut self, seat: usize) -> Option<Queued> {
        let next = self.queue.take(self.room_for_background());
        match &next {
            None => self.runners -= 1,
            Some(queued) => {
                let seat = &mut self.seats[seat];
                queued.work.begin();
                seat.work = Some(queued.work.clone());
                seat.calls += 1;
                let now = Instant::now();
                seat.begun = Some(now);
                self.count.begun(now.duration_since(queued.since));
            }
        }
        next
    }
}

impl Calls {
    /// Whether one more thread may run a call that nobody waits for.
    fn room_for_background(&self) -> bool {
        let runs = |seat: &&Seat| seat.work.as_ref().is_some_and(|work| work.background);
        self.seats.iter().filter(runs).count() < self.most_background
    }

    /// A call is under way no more.
    pub(super) fn leave(&mut self, background: bool) {
        self.under_way -= 1;
        self.background -= usize::from(background);
    }

    /// Those in line for whom there is room, or who wait in vain.
    pub(super) fn called(&self, slots: usize) -> Vec<Waker> {
        let room =
            if self.standing == Standing::Open { slots.saturating_sub(self.under_way) } else { usize::MAX };
        self.line.iter().take(room).map(|(_, waker)| waker.clone()).collect()
    }

    /// The thread of this seat is done with its call.
    pub(super) fn finished(&mut self, seat: usize) {
        let seat = &mut self.seats[seat];
        seat.work = None;
        if let Some(begun) = seat.begun.take() {
            let ran = begun.elapsed();
            seat.busy += ran;
            self.count.ran(ran);
        }
    }

    /// Says what became of a call, and counts it; whom to wake.
    pub(super) fn settle(&mut self, work: &Work, outcome: Outcome) -> Option<Waker> {
        if !work.is_settled() {
            self.count.settled(&outcome, work.ends());
        }
        work.settle(outcome)
    }
}

impl Seat {
    pub(super) fn runs(&self) -> bool {
        self.work.as_ref().is_some_and(|work| !work.is_settled())
    }

    pub(super) fn stats(&self) -> WorkerStats {
        let lives = self.standing == Presence::Here;
        WorkerStats {
            calls: self.calls,
            busy: self.busy + self.begun.map_or(Duration::ZERO, |begun| begun.elapsed()),
            age: self.born.filter(|_| lives).map_or(Duration::ZERO, |born| born.elapsed()),
            resources: (&*self.resources).into(),
            ..WorkerStats::default()
        }
    }

    pub(super) fn look(&self) -> WorkerState {
        WorkerState {
            pid: None,
            calls: self.calls,
            task: self.work.as_ref().map(|work| work.entry.name()),
            breadcrumb: self.work.as_ref().and_then(|work| work.said()),
        }
    }
}
