//! A sandboxed worker's private region, as its supervisor holds it.
//!
//! It has one slot and one worker, and towards it the supervisor is the client: it fills the slot, publishes
//! it and collects the outcome. Only the part before the windows is looked at through the mapping. Payloads
//! go by `pread` and `pwrite`, so that nothing that a worker does to its pages can end the supervisor.
//!
//! Everything in there may have been written by somebody who means harm. What the supervisor believes it
//! keeps in the [`Cell`], and a word that contradicts it ends that worker and nobody else.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

use crate::error::Result;
use crate::processes::map;
use crate::shm::layout::{Geometry, Outcome, Verdict, WorkerRecord};
use crate::shm::region::{Region, Slot};
use crate::shm::steps;
use crate::shm::tally::{REUSES, Tally};
use crate::shm::window::{WindowWriter, WriteError};
use crate::shm::word::{Phase, Settled, Word};
use crate::sys::sandbox::Own;
use crate::sys::{eventfd, futex, memfd};

/// Bytes of each window that stay warm between calls.
const WARM: usize = 1 << 20;
/// An owner in a private region that is no worker.
const NOBODY: u16 = 1;

/// One private region, for the life of one worker.
pub(in crate::processes) struct Cell {
    region: Region,
    file: Arc<OwnedFd>,
    /// The worker rings it when it has finished a call, and when it wants one.
    bell: OwnedFd,
    /// Which use of the slot this is.
    generation: u32,
    /// Calls that it was given.
    calls: u32,
    hand: Option<Hand>,
    /// How the last call failed, if it did.
    verdict: Option<Verdict>,
    /// It wrote what no worker writes: nothing in here is believed any more.
    spoilt: bool,
    /// It was told that no call will come.
    dismissed: bool,
    seen: Seen,
}

/// The call that the worker has, or whose outcome was not taken yet.
#[derive(Clone, Copy)]
pub(in crate::processes) struct Hand {
    /// Its slot in the pool's region, and which use of that this is.
    pub(in crate::processes) slot: usize,
    pub(in crate::processes) generation: u32,
    arguments_len: u64,
}

/// How far the worker's texts and counts were followed.
#[derive(Default)]
struct Seen {
    words: u64,
    breadcrumb: u64,
    message: u64,
    resources: [u64; REUSES],
}

/// What a worker does, as far as it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::processes) enum Look {
    /// It wants a call.
    Idle,
    /// It starts, or it decides whether it goes on.
    Away,
    /// It has a call and has not begun it.
    Unbegun,
    Running,
    Finished,
    /// This is nothing that a worker does.
    Spoilt,
}

/// Why a payload was not handed over.
#[derive(Debug)]
pub(in crate::processes) enum Unfit {
    Spoilt,
    /// The kernel has no memory for it.
    Os(io::Error),
}

impl Cell {
    /// An empty one, which no worker that is forked later sees unless it is given its descriptors.
    ///
    /// # Errors
    /// `Os`.
    pub(in crate::processes) fn new(window: usize) -> Result<Cell> {
        let (region, file) = map::make_private(Geometry { slots: 1, workers: 1, window })?;
        let bell = eventfd::create()?;
        Ok(Cell {
            region,
            file,
            bell,
            generation: 0,
            calls: 0,
            hand: None,
            verdict: None,
            spoilt: false,
            dismissed: false,
            seen: Seen::default(),
        })
    }

    /// What the worker shares with the supervisor.
    pub(in crate::processes) fn descriptors(&self) -> [RawFd; 2] {
        [self.file.as_raw_fd(), self.bell.as_raw_fd()]
    }

    /// What of all this the worker's own calls of the kernel name.
    pub(in crate::processes) fn own(&self, lifeline: RawFd) -> Own {
        Own { region: self.file.as_raw_fd(), windows: self.geometry().control(), lifeline }
    }

    pub(in crate::processes) fn file(&self) -> &Arc<OwnedFd> {
        &self.file
    }

    pub(in crate::processes) fn bell(&self) -> &OwnedFd {
        &self.bell
    }

    pub(in crate::processes) fn geometry(&self) -> Geometry {
        self.region.geometry()
    }

    pub(in crate::processes) fn hand(&self) -> Option<Hand> {
        self.hand
    }

    /// How the call failed whose outcome was taken last, as far as its worker may say so.
    pub(in crate::processes) fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// What the worker does now.
    pub(in crate::processes) fn look(&self) -> Look {
        let state = self.region.slot(0).state.state();
        if self.spoilt || state.generation() != self.generation {
            return Look::Spoilt;
        }
        let wants = self.region.worker(0).ready.load(Acquire).wrapping_sub(self.calls);
        match (self.hand, state.phase()) {
            (Some(_), Some(Phase::Ready | Phase::Claimed)) => Look::Unbegun,
            (Some(_), Some(Phase::Running)) => Look::Running,
            (Some(_), Some(Phase::Done)) => Look::Finished,
            (None, Some(Phase::Free)) if wants == 0 => Look::Away,
            (None, Some(Phase::Free)) if wants == 1 => Look::Idle,
            _ => Look::Spoilt,
        }
    }

    /// Nothing in here counts any more.
    pub(in crate::processes) fn spoil(&mut self) {
        self.spoilt = true;
    }

    /// Hands over the call in `slot` of the pool's region, which this supervisor runs there for the worker.
    ///
    /// # Errors
    /// The call is not handed over, and the cell is as it was unless it is spoilt.
    pub(in crate::processes) fn give(
        &mut self,
        slot: usize,
        call: Slot<'_>,
        arguments: &[u8],
    ) -> Result<(), Unfit> {
        let header = self.region.slot(0);
        let next = self.generation.wrapping_add(1);
        if header.state.reserve() != Some(next) {
            return Err(Unfit::Spoilt);
        }
        self.generation = next;
        let place = self.geometry().arguments(0, arguments.len()) as u64;
        if let Err(error) = memfd::write_at(self.file.as_fd(), arguments, place) {
            let abandoned = header.state.abandon(next);
            return Err(if abandoned { Unfit::Os(error) } else { Unfit::Spoilt });
        }
        header.task.store(call.task.load(Relaxed), Relaxed);
        header.codec.store(call.codec.load(Relaxed), Relaxed);
        header.fault.store(call.fault.load(Relaxed), Relaxed);
        header.arguments_len.store(arguments.len() as u64, Relaxed);
        // The worker waits, so this is the only writer.
        self.region.worker(0).words.clear();
        self.region.worker(0).breadcrumb.clear();
        if !header.state.publish(next) {
            return Err(Unfit::Spoilt);
        }
        self.calls = self.calls.wrapping_add(1);
        let generation = call.state.state().generation();
        self.hand = Some(Hand { slot, generation, arguments_len: arguments.len() as u64 });
        if self.region.ready().insert_then(0, || self.region.idle().take(0)).is_some() {
            self.wake();
        }
        Ok(())
    }

    /// Copies the outcome of the call that is [`Finished`](Look::Finished), and has room for the next.
    ///
    /// # Errors
    /// `Os`: there is room for the next one all the same.
    pub(in crate::processes) fn take(&mut self, out: &mut WindowWriter<'_>) -> Result<Outcome, Unfit> {
        let header = self.region.slot(0);
        if header.state.collect(self.generation).is_err() {
            return Err(Unfit::Spoilt);
        }
        let (outcome, said) = (header.outcome.load(Relaxed), header.result_len.load(Relaxed));
        let known = [Outcome::Value, Outcome::Report, Outcome::NoMemory];
        let Some(outcome) = known.into_iter().find(|known| *known as u32 == outcome) else {
            return Err(Unfit::Spoilt);
        };
        let panicked = header.verdict.load(Relaxed) == Verdict::Panicked as u32;
        let failure = if panicked { Verdict::Panicked } else { Verdict::Failed };
        self.verdict = (outcome != Outcome::Value).then_some(failure);
        // Of memory that there was not, it says which error.
        let len = if outcome == Outcome::NoMemory { 0 } else { usize::try_from(said).unwrap_or(usize::MAX) };
        if len > self.geometry().window {
            return Err(Unfit::Spoilt);
        }
        let (file, place) = (self.file.as_fd(), self.geometry().result(0, len) as u64);
        let copied = out.put_with(len, |bytes| memfd::read_at(file, bytes, place));
        let hand = self.hand.take();
        self.region.trim(0, &AtomicU64::new(hand.map_or(0, |hand| hand.arguments_len)), [WARM; 2]);
        if !header.state.release(self.generation) {
            // The outcome is as good as any; what comes after it is not.
            self.spoilt = true;
        }
        match copied {
            Ok(()) if outcome == Outcome::NoMemory => {
                let errno = i32::try_from(said).unwrap_or(libc::ENOMEM);
                Err(Unfit::Os(io::Error::from_raw_os_error(errno)))
            }
            Ok(()) => Ok(outcome),
            Err(WriteError::Os(error)) => Err(Unfit::Os(error)),
            Err(WriteError::Full) => Err(Unfit::Spoilt),
        }
    }

    /// Takes back a call that the worker has not begun; whether it is out of its hands.
    pub(in crate::processes) fn withdraw(&mut self) -> bool {
        let word = self.region.slot(0).state;
        let seen = word.state();
        if seen.phase() == Some(Phase::Claimed) {
            let _ = word.take_back(seen);
        }
        // Of this claim and the worker's one succeeds.
        let mine = word.claim(NOBODY) && word.bury(NOBODY) != Settled::NotMine;
        if mine && word.collect(self.generation).is_ok() && word.release(self.generation) {
            self.hand = None;
            // It still wants one.
            self.calls = self.calls.wrapping_sub(1);
        }
        self.hand.is_none()
    }

    /// Tells the worker's call that it is to end.
    pub(in crate::processes) fn expire(&self) {
        let _ = self.region.slot(0).state.expire(0, self.generation);
    }

    /// Tells the worker, once, that no call will come.
    pub(in crate::processes) fn dismiss(&mut self) {
        if !std::mem::replace(&mut self.dismissed, true) {
            self.region.head().draining.store(1, SeqCst);
            self.wake();
        }
    }

    pub(in crate::processes) fn is_dismissed(&self) -> bool {
        self.dismissed
    }

    fn wake(&self) {
        let record = self.region.worker(0);
        record.wake.fetch_add(1, SeqCst);
        futex::wake(&record.wake, i32::MAX);
    }

    /// Counts what the worker counts itself.
    pub(in crate::processes) fn count(&mut self, tally: &Tally) {
        tally.resources.follow(&self.region.tally(0).resources, &mut self.seen.resources);
    }

    /// Has the worker's record in the pool's region say what it says itself.
    pub(in crate::processes) fn mirror(&mut self, record: &WorkerRecord) {
        let theirs = self.region.worker(0);
        record.ready.store(theirs.ready.load(SeqCst).min(1), SeqCst);
        record.stack_overflow.store(theirs.stack_overflow.load(Relaxed), Relaxed);
        record.words.follow(&theirs.words, &mut self.seen.words);
        record.breadcrumb.follow(&theirs.breadcrumb, &mut self.seen.breadcrumb);
        if let Some(hand) = self.hand {
            let (of, as_of) = (steps::name(0, self.generation), steps::name(hand.slot, hand.generation));
            record.steps.follow(&theirs.steps, of, as_of, &mut self.seen.message);
        }
        if let Some(hand) = self.hand
            && theirs.asks.load(Relaxed) == self.generation
        {
            record.asks.store(hand.generation, Relaxed);
        }
    }
}

#[cfg(test)]
mod test;
