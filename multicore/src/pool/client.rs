//! The client's side of a pool: reserve a slot, encode, publish, wait, collect.
//!
//! Any number of threads; no lock on the way of a call. What the client believes about a slot it
//! keeps in memory of its own, so that a worker that scribbles over the region cannot make two
//! threads use one slot.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock;
use super::life::{Life, Loss, Standing};
use super::spin::Spin;
use super::worker::low_half;
use crate::call::Call;
use crate::config::{Settings, Start};
use crate::error::{Error, Result};
use crate::report::client_error;
use crate::shm::layout::{Outcome, SlotHeader};
use crate::shm::region::Region;
use crate::shm::window::{Payload, WindowWriter};
use crate::shm::word::{Cancelled, Detached, Phase, Word};
use crate::sys::fault::point;
use crate::sys::fork_guard::{self, Token};
use crate::sys::futex;

/// The longest sleep without a look at the supervisor.
pub(crate) const BACKSTOP: Duration = Duration::from_millis(100);

/// One use of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// What the client itself knows of a slot.
#[derive(Default)]
pub(super) struct Seat {
    /// The generation under way, with [`HELD`] set; 0 when nobody here holds the slot.
    pub(super) held: AtomicU64,
    /// Bytes of the argument window that have pages.
    backed: AtomicU64,
}

pub(super) const HELD: u64 = 1 << 32;

/// An outcome that was moved out of its slot, or that never came.
pub(crate) enum Kept {
    Value(Vec<u8>),
    Report(Vec<u8>),
    Lost(Loss),
}

/// An outcome as its reader gets it.
pub(crate) enum Taken<'p> {
    Value(Payload<'p>),
    Report(Payload<'p>),
    Lost(Loss),
    /// The header says neither.
    Garbled,
}

/// A pool, seen from the process that made it.
pub(crate) struct Client {
    pub(crate) region: Region,
    pub(crate) file: Arc<OwnedFd>,
    pub(crate) settings: Settings,
    pub(crate) method: Start,
    pub(super) seats: Box<[Seat]>,
    reserve_cursor: AtomicU32,
    pub(crate) life: Mutex<Life>,
    /// A copy of the life's standing that needs no lock.
    pub(crate) standing: AtomicU32,
    pub(super) kept: Mutex<HashMap<Ticket, Kept>>,
    spin: Spin,
    /// When somebody who polls last looked after the supervisor.
    looked: AtomicU64,
    made_in: Token,
}

/// Why a call was not accepted.
pub(crate) enum NotSent<'a, R> {
    Full(Call<'a, R>),
    Failed(Error),
}

impl Client {
    pub(crate) fn new(
        region: Region,
        file: Arc<OwnedFd>,
        settings: Settings,
        method: Start,
        life: Life,
    ) -> Client {
        let seats = (0..region.geometry().slots).map(|_| Seat::default()).collect();
        Client {
            region,
            file,
            settings,
            method,
            seats,
            reserve_cursor: AtomicU32::new(0),
            life: Mutex::new(life),
            standing: AtomicU32::new(Standing::Open as u32),
            kept: Mutex::new(HashMap::new()),
            spin: Spin::default(),
            looked: AtomicU64::new(clock::now()),
            made_in: fork_guard::token(),
        }
    }

    /// Whether this process is the one that made the pool, and not a fork of it.
    pub(crate) fn is_here(&self) -> bool {
        !fork_guard::in_forked_child(self.made_in)
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, HashMap<Ticket, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a call off. With `wait`, waits for a slot as long as every slot is queued or running.
    pub(crate) fn send<'a, R>(&self, call: Call<'a, R>, wait: bool) -> Result<Ticket, NotSent<'a, R>> {
        let ticket = match self.reserve(wait) {
            Ok(Some(ticket)) => ticket,
            Ok(None) => return Err(NotSent::Full(call)),
            Err(error) => return Err(NotSent::Failed(error)),
        };
        self.fill(ticket, &call).map_err(NotSent::Failed)?;
        self.publish(ticket);
        Ok(ticket)
    }

    fn reserve(&self, wait: bool) -> Result<Option<Ticket>> {
        if !self.is_here() {
            return Err(Error::Closed);
        }
        loop {
            self.check_standing()?;
            if let Some(ticket) = self.try_reserve() {
                return Ok(Some(ticket));
            }
            if self.sweep() > 0 {
                continue;
            }
            if !wait {
                return Ok(None);
            }
            self.wait_for_progress();
        }
    }

    fn try_reserve(&self) -> Option<Ticket> {
        loop {
            let cursor = self.reserve_cursor.load(Relaxed) as usize;
            let slot = self.region.free().take(cursor)?;
            self.reserve_cursor.store(slot as u32 + 1, Relaxed);
            if self.seats[slot].held.load(Acquire) != 0 {
                // Nobody here let go of it: the word or the hint was forged. Leave it to its holder.
                continue;
            }
            if let Some(generation) = self.region.slot(slot).state.reserve() {
                let held = HELD | u64::from(generation);
                // Fails where another thread came between: then its word was forged free once more.
                if self.seats[slot].held.compare_exchange(0, held, AcqRel, Relaxed).is_ok() {
                    // After a detached call, which its worker freed.
                    self.region.cool(slot, &self.seats[slot].backed);
                    return Some(Ticket { slot: slot as u32, generation });
                }
            }
        }
    }

    /// Encodes the arguments and writes the header. A panic in the user's `Serialize` gives the slot
    /// back.
    fn fill<R>(&self, ticket: Ticket, call: &Call<'_, R>) -> Result<()> {
        struct Abandon<'c>(&'c Client, Ticket);
        impl Drop for Abandon<'_> {
            fn drop(&mut self) {
                let Abandon(client, ticket) = *self;
                client.region.cool(ticket.slot as usize, &client.seat(ticket).backed);
                client.seat(ticket).held.store(0, Release);
                client.header(ticket).state.abandon(ticket.generation);
                client.region.free().insert(ticket.slot as usize);
                super::worker::progress(&client.region);
            }
        }
        let abandon = Abandon(self, ticket);
        let header = self.header(ticket);
        let mut store = self.region.arguments_store(ticket.slot as usize, &self.seat(ticket).backed);
        let mut out = WindowWriter::new(&mut store, self.region.geometry().window);
        call.body.encode(call.codec, &mut out).map_err(|failure| client_error(failure, call.entry.name()))?;
        header.arguments_len.store(out.needed() as u64, Relaxed);
        header.task.store(call.entry.id(), Relaxed);
        header.codec.store(u32::from(call.codec.to_byte()), Relaxed);
        header.timeout.store(call.timeout.map_or(0, |limit| clock::nanoseconds(limit).max(1)), Relaxed);
        header.retries.store(call.retries, Relaxed);
        std::mem::forget(abandon);
        Ok(())
    }

    /// Hands the slot to the workers and wakes one if one sleeps.
    fn publish(&self, ticket: Ticket) {
        let slot = ticket.slot as usize;
        point("filled");
        self.header(ticket).state.publish(ticket.generation);
        if let Some(worker) = self.region.ready().insert_then(slot, || self.region.idle().take(slot)) {
            let record = self.region.worker(worker);
            record.wake.fetch_add(1, SeqCst);
            futex::wake(&record.wake, 1);
        }
    }

    /// Moves finished outcomes that nobody has collected yet out of their slots; how many.
    fn sweep(&self) -> usize {
        let mut kept = self.kept();
        let mut moved = 0;
        for slot in 0..self.seats.len() {
            let Some(ticket) = self.finished(slot) else { continue };
            if self.header(ticket).state.collect(ticket.generation).is_ok() {
                kept.insert(ticket, self.read(ticket).into());
                self.release(ticket);
                moved += 1;
            }
        }
        moved
    }

    /// The call in this slot, if it is finished and somebody here holds it.
    fn finished(&self, slot: usize) -> Option<Ticket> {
        let held = self.seats[slot].held.load(Acquire);
        let state = self.region.slot(slot).state.state();
        let settled = matches!(state.phase(), Some(Phase::Done | Phase::Died));
        (held & HELD != 0 && settled && state.generation() == held as u32)
            .then_some(Ticket { slot: slot as u32, generation: held as u32 })
    }

    /// Sleeps until a slot settles or is freed.
    fn wait_for_progress(&self) {
        let head = self.region.head();
        head.sleepers.fetch_add(1, SeqCst);
        let seen = head.progress.0.load(SeqCst);
        std::sync::atomic::fence(SeqCst);
        let any = self.region.free().any() || (0..self.seats.len()).any(|slot| self.finished(slot).is_some());
        if !any && futex::wait(&head.progress.0, seen, Some(BACKSTOP)).was_for_nothing() {
            self.look_after_supervisor();
            // Such a word never settles of itself, and its owner may be the one who waits here.
            if self.any_impossible() {
                self.poison(|| !self.any_impossible());
            }
        }
        head.sleepers.fetch_sub(1, SeqCst);
    }

    fn seat(&self, ticket: Ticket) -> &Seat {
        &self.seats[ticket.slot as usize]
    }

    fn header(&self, ticket: Ticket) -> &SlotHeader {
        self.region.slot(ticket.slot as usize)
    }

    /// As [`is_settled`](Self::is_settled), for somebody who may ask again and again and never wait:
    /// looks after the supervisor as often as a waiter would.
    pub(crate) fn is_settled_or_looked_after(&self, ticket: Ticket) -> bool {
        // In a fork of the client the outcome belongs to the parent, and taking it says so.
        if self.is_settled(ticket) || !self.is_here() {
            return true;
        }
        let now = clock::now();
        let last = self.looked.load(Relaxed);
        let due = now.saturating_sub(last) > clock::nanoseconds(BACKSTOP);
        if due && self.looked.compare_exchange(last, now, Relaxed, Relaxed).is_ok() {
            self.look_after_supervisor();
        }
        self.is_settled(ticket)
    }

    /// Whether the outcome is there to be taken.
    pub(crate) fn is_settled(&self, ticket: Ticket) -> bool {
        let state = self.header(ticket).state.state();
        let pending = matches!(state.phase(), Some(Phase::Ready | Phase::Claimed | Phase::Running));
        !(pending && state.generation() == ticket.generation)
    }

    /// Waits until the outcome is there, or until the moment; whether it is there.
    pub(crate) fn wait(&self, ticket: Ticket, until: Option<Instant>) -> bool {
        let word = &self.header(ticket).state;
        if self.spin.until(|| self.is_settled(ticket)) {
            return true;
        }
        if !self.is_here() {
            // A fork of the client: the outcome belongs to the parent, and taking it says so.
            return true;
        }
        loop {
            let Ok(state) = word.wait(ticket.generation) else { return true };
            let left = until.map(|moment| moment.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return false;
            }
            let sleep = left.map_or(BACKSTOP, |left| left.min(BACKSTOP));
            if futex::wait(low_half(word), state.futex_half(), Some(sleep)).was_for_nothing() {
                self.look_after_supervisor();
            }
        }
    }

    /// Gives the settled outcome to `read`; the slot is free afterwards, also when `read` panics.
    pub(crate) fn take<T>(&self, ticket: Ticket, read: impl FnOnce(Taken<'_>) -> T) -> T {
        struct Release<'c>(&'c Client, Ticket);
        impl Drop for Release<'_> {
            fn drop(&mut self) {
                self.0.release(self.1);
            }
        }
        if self.header(ticket).state.collect(ticket.generation).is_ok() {
            let release = Release(self, ticket);
            let result = read(self.read(ticket));
            drop(release);
            return result;
        }
        // Whoever else collected it holds the lock until it is kept.
        let mut kept = self.kept().remove(&ticket);
        if kept.is_none() {
            self.poison(|| self.kept().contains_key(&ticket));
            kept = self.kept().remove(&ticket);
        }
        match kept {
            Some(Kept::Value(bytes)) => read(Taken::Value(Payload::of(&bytes))),
            Some(Kept::Report(bytes)) => read(Taken::Report(Payload::of(&bytes))),
            Some(Kept::Lost(loss)) => read(Taken::Lost(loss)),
            None => read(Taken::Garbled),
        }
    }

    fn read(&self, ticket: Ticket) -> Taken<'_> {
        let header = self.header(ticket);
        let Some(payload) = self.region.result(ticket.slot as usize, header.result_len.load(Relaxed)) else {
            return Taken::Garbled;
        };
        match header.outcome.load(Relaxed) {
            n if n == Outcome::Value as u32 => Taken::Value(payload),
            n if n == Outcome::Report as u32 => Taken::Report(payload),
            _ => Taken::Garbled,
        }
    }

    /// Frees a collected slot and gives large windows back.
    fn release(&self, ticket: Ticket) {
        let slot = ticket.slot as usize;
        let seat = self.seat(ticket);
        self.region.cool(slot, &seat.backed);
        // Already 0 where the handle was dropped; never another call's, whatever the word says.
        let held = HELD | u64::from(ticket.generation);
        let _ = seat.held.compare_exchange(held, 0, Release, Relaxed);
        self.header(ticket).state.release(ticket.generation);
        self.region.free().insert(slot);
        super::worker::progress(&self.region);
    }

    /// Nobody wants this call any more: queued, it is dropped; running, its worker is ended.
    pub(crate) fn cancel(&self, ticket: Ticket) {
        if !self.is_here() {
            return;
        }
        // Kept before the slot is free, so that whoever finds it gone finds it here.
        let mut kept = self.kept();
        match self.header(ticket).state.cancel(ticket.generation) {
            Cancelled::Withdrawn => {
                kept.insert(ticket, Kept::Lost(Loss::Cancelled));
                self.release(ticket);
                drop(kept);
                // Somebody may wait for the word to settle, and no worker will say so.
                futex::wake(low_half(&self.header(ticket).state), i32::MAX);
            }
            Cancelled::Marked => {
                drop(kept);
                self.ask_supervisor_to_look();
            }
            Cancelled::TooLate => {}
        }
    }

    /// Nobody will collect this call.
    pub(crate) fn forget(&self, ticket: Ticket) {
        if !self.is_here() {
            return;
        }
        // Let go before the swap: whoever finishes a detached call frees the slot at once.
        let held = HELD | u64::from(ticket.generation);
        let seat = self.seat(ticket);
        if seat.held.compare_exchange(held, 0, SeqCst, SeqCst).is_ok() {
            match self.header(ticket).state.detach(ticket.generation) {
                Detached::Left => return,
                Detached::Finished if self.header(ticket).state.collect(ticket.generation).is_ok() => {
                    return self.release(ticket);
                }
                Detached::Finished | Detached::Gone => {}
            }
        }
        // A sweep moved it, or is about to: it holds the lock from before it collects.
        self.kept().remove(&ticket);
    }
}

impl From<Taken<'_>> for Kept {
    fn from(taken: Taken<'_>) -> Kept {
        match taken {
            Taken::Value(payload) => Kept::Value(payload.to_vec()),
            Taken::Report(payload) => Kept::Report(payload.to_vec()),
            Taken::Lost(loss) => Kept::Lost(loss),
            Taken::Garbled => Kept::Lost(Loss::Garbled),
        }
    }
}
