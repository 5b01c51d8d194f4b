//! What the client knows of jobs: when they began and ended, what became of them, and whether their results are
//! still to be had.
//!
//! A job's outcome stays where every call's does: in its slot, and among the [kept](Kept) ones once somebody
//! needs the slot. A journal outlives both. Whoever moves the outcome of a background call out of its slot
//! [notes](Client::note) what the slot said of it; the lock of the kept outcomes, which it holds, makes
//! whoever finds the slot in other hands wait for that. Locks are taken in this order: kept, journals, page.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Acquire;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::processes::client::collect::{Kept, Taken, held};
use crate::processes::client::life::Loss;
use crate::processes::client::{Client, Ticket};
use crate::processes::clock;
use crate::processes::ledger::{self, Entry};
use crate::report::Report;
use crate::shm::steps::Sight;
use crate::shm::word::{Phase, State, Word};

/// How often a word that moves on under a look is looked at again.
const LOOKS: u32 = 1000;

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    Failed,
    Cancelled,
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Queued,
    Running,
    Over(Verdict),
}

/// The life of one job.
pub(crate) struct Journal {
    pub(crate) ticket: Ticket,
    page: Mutex<Page>,
}

/// What is written there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) started: Option<Moment>,
    pub(crate) finished: Option<Moment>,
    /// What it said last of how far it has come.
    pub(crate) last: Option<Sight>,
    verdict: Option<Verdict>,
    /// From when on its result waits to be collected.
    waits_since: Option<Instant>,
    /// Nobody can have the result any more.
    gone: bool,
}

/// A moment by two clocks: the kernel's, by which it was taken, and the one that people read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    nanoseconds: u64,
    pub(crate) time: SystemTime,
}

impl Moment {
    fn of(nanoseconds: u64) -> Moment {
        let ago = Duration::from_nanos(clock::now().saturating_sub(nanoseconds));
        let now = SystemTime::now();
        Moment { nanoseconds, time: now.checked_sub(ago).unwrap_or(now) }
    }

    /// The same moment, read from the clock once.
    fn again(known: Option<Moment>, nanoseconds: Option<u64>) -> Option<Moment> {
        let nanoseconds = nanoseconds?;
        known.filter(|known| known.nanoseconds == nanoseconds).or_else(|| Some(Moment::of(nanoseconds)))
    }
}

impl Journal {
    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// Takes down what a slot says.
    fn take_down(&mut self, entry: Entry, said: Option<Sight>) {
        self.started = Moment::again(self.started, entry.started);
        self.finished = Moment::again(self.finished, entry.finished);
        if let Some(counts) = entry.last {
            let message = match (&said, self.last.take()) {
                (Some(said), _) => said.message.clone(),
                (None, last) => last.and_then(|last| last.message),
            };
            self.last = Some(Sight { message, ..counts });
        } else if said.is_some() {
            self.last = said;
        }
    }

    /// Takes down that it is over.
    fn close(&mut self, verdict: Verdict) {
        self.verdict = Some(verdict);
        let ago = self.finished.map_or(0, |moment| clock::now().saturating_sub(moment.nanoseconds));
        let now = Instant::now();
        self.waits_since = Some(now.checked_sub(Duration::from_nanos(ago)).unwrap_or(now));
    }
}

impl Client {
    fn journals(&self) -> MutexGuard<'_, HashMap<Ticket, Arc<Journal>>> {
        self.journals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the journal of a call, at best before it is published.
    pub(crate) fn open_journal(&self, ticket: Ticket) -> Arc<Journal> {
        let journal = Arc::new(Journal { ticket, page: Mutex::default() });
        self.journals().insert(ticket, journal.clone());
        journal
    }

    /// Forgets the journal of a call that was not sent, or whose result nobody can have any more.
    pub(crate) fn close_journal(&self, ticket: Ticket) {
        self.journals().remove(&ticket);
    }

    /// The background calls that have slots.
    pub(in crate::processes) fn background_calls(&self) -> Vec<Ticket> {
        let has_slot = |ticket: &&Ticket| self.seat(**ticket).held.load(Acquire) == held(**ticket);
        self.journals().keys().filter(has_slot).copied().collect()
    }

    /// Takes down what the slot of a background call says, which somebody is about to free.
    pub(in crate::processes) fn note(&self, ticket: Ticket, seen: State) {
        let journal = self.journals().get(&ticket).cloned();
        if let Some(journal) = journal {
            let (entry, said) = self.account_of(ticket, seen);
            journal.page().take_down(entry, said);
        }
    }

    fn account_of(&self, ticket: Ticket, seen: State) -> (Entry, Option<Sight>) {
        let entry = if seen.is_background() {
            ledger::read(&self.region, ticket.slot as usize)
        } else {
            Entry::default()
        };
        (entry, self.steps_of(ticket, seen))
    }

    /// How far the job has come, and what its journal says.
    pub(crate) fn read_journal(&self, journal: &Journal) -> (Stage, Page) {
        {
            let page = journal.page();
            if let Some(verdict) = page.verdict {
                return (Stage::Over(verdict), page.clone());
            }
        }
        for _ in 0..LOOKS {
            match self.look_at_slot(journal) {
                Some((stage, page)) => return (stage, page),
                // It moved on in between.
                None if self.is_in_slot(journal.ticket) => {}
                None => return self.look_among_kept(journal),
            }
        }
        // Somebody moves it all the while: it is in a worker's hands.
        (Stage::Running, journal.page().clone())
    }

    fn is_in_slot(&self, ticket: Ticket) -> bool {
        let state = self.header(ticket).state.state();
        let there = matches!(
            state.phase(),
            Some(Phase::Filling | Phase::Ready | Phase::Claimed | Phase::Running | Phase::Done | Phase::Died)
        );
        there && state.generation() == ticket.generation
    }

    /// What the slot says, as long as the call is in it all the while.
    fn look_at_slot(&self, journal: &Journal) -> Option<(Stage, Page)> {
        let ticket = journal.ticket;
        if !self.is_in_slot(ticket) {
            return None;
        }
        let word = self.header(ticket).state;
        let seen = word.state();
        let stage = match seen.phase()? {
            Phase::Filling | Phase::Ready | Phase::Claimed => Stage::Queued,
            Phase::Running => Stage::Running,
            _ => Stage::Over(verdict_of(self.read(ticket))),
        };
        let (entry, said) = self.account_of(ticket, seen);
        if word.state().without_flags() != seen.without_flags() {
            return None;
        }
        let mut page = journal.page();
        if let Some(verdict) = page.verdict {
            return Some((Stage::Over(verdict), page.clone()));
        }
        if stage != Stage::Queued {
            page.take_down(entry, said);
        }
        if let Stage::Over(verdict) = stage {
            page.close(verdict);
        }
        Some((stage, page.clone()))
    }

    /// Somebody took the outcome out of its slot.
    fn look_among_kept(&self, journal: &Journal) -> (Stage, Page) {
        let kept = self.kept();
        let verdict = kept.get(&journal.ticket).map_or(Verdict::Failed, verdict_of_kept);
        let mut page = journal.page();
        if page.verdict.is_none() {
            page.close(verdict);
        }
        (Stage::Over(page.verdict.unwrap_or(verdict)), page.clone())
    }

    /// Whether the caller, and nobody else, may take the result of this job, which is over.
    pub(crate) fn claim_result(&self, journal: &Journal) -> bool {
        let mine = !std::mem::replace(&mut journal.page().gone, true);
        if mine {
            self.close_journal(journal.ticket);
        }
        mine
    }

    /// Whether the job has been over for so long; then its result is dropped.
    pub(crate) fn drop_if_over(&self, journal: &Journal, keep: Duration) -> bool {
        let (stage, page) = self.read_journal(journal);
        let over =
            matches!(stage, Stage::Over(_)) && page.waits_since.is_some_and(|since| since.elapsed() >= keep);
        if over && self.claim_result(journal) {
            self.forget(journal.ticket);
        }
        over
    }

    /// On patrol: drops results that nobody has collected in time.
    pub(in crate::processes) fn let_go_of_results(&self) {
        let journals: Vec<_> = match self.journals.try_lock() {
            Ok(journals) if journals.is_empty() => return,
            Ok(journals) => journals.values().cloned().collect(),
            Err(_) => return,
        };
        for journal in journals {
            self.drop_if_over(&journal, self.settings.keep_results);
        }
    }
}

fn verdict_of(taken: Taken<'_>) -> Verdict {
    match taken {
        Taken::Value(_) => Verdict::Done,
        Taken::Report(payload) => match Report::read(payload) {
            Ok(Report::Cancelled) => Verdict::Cancelled,
            _ => Verdict::Failed,
        },
        Taken::Lost(Loss::Cancelled) => Verdict::Cancelled,
        Taken::Lost(_) | Taken::Garbled => Verdict::Failed,
    }
}

fn verdict_of_kept(kept: &Kept) -> Verdict {
    match kept {
        Kept::Value(_) => Verdict::Done,
        Kept::Report(bytes) => verdict_of(Taken::Report(crate::shm::window::Payload::of(bytes))),
        Kept::Lost(Loss::Cancelled) => Verdict::Cancelled,
        Kept::Lost(_) => Verdict::Failed,
    }
}
