//! The client's side of a pool: reserve a slot, encode, publish. What comes back is in
//! [`collect`](super::collect).
//!
//! Any number of threads; no lock on the way of a call. What the client believes about a slot it
//! keeps in memory of its own, so that a worker that scribbles over the region cannot make two
//! threads use one slot.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::clock;
use super::collect::Kept;
use super::fault::{self, Plan};
use super::life::{Life, Standing};
use super::spin::Spin;
use crate::call::Call;
use crate::config::{Settings, Start};
use crate::error::{Error, Result};
use crate::report::client_error;
use crate::shm::layout::SlotHeader;
use crate::shm::region::Region;
use crate::shm::window::WindowWriter;
use crate::shm::word::Word;
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
    pub(super) backed: AtomicU64,
}

pub(super) const HELD: u64 = 1 << 32;

/// A pool, seen from the process that made it.
pub(crate) struct Client {
    pub(crate) region: Region,
    pub(crate) file: Arc<OwnedFd>,
    pub(crate) settings: Settings,
    faults: Vec<Plan>,
    pub(crate) method: Start,
    pub(super) seats: Box<[Seat]>,
    reserve_cursor: AtomicU32,
    pub(crate) life: Mutex<Life>,
    /// A copy of the life's standing that needs no lock.
    pub(crate) standing: AtomicU32,
    pub(super) kept: Mutex<HashMap<Ticket, Kept>>,
    pub(super) spin: Spin,
    /// When somebody who polls last looked after the supervisor.
    pub(super) looked: AtomicU64,
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
        faults: Vec<Plan>,
        method: Start,
        life: Life,
    ) -> Client {
        let seats = (0..region.geometry().slots).map(|_| Seat::default()).collect();
        Client {
            region,
            file,
            settings,
            faults,
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
        let timeout = call.timeout.or(self.settings.timeout);
        header.timeout.store(timeout.map_or(0, |limit| clock::nanoseconds(limit).max(1)), Relaxed);
        header.retries.store(call.retries, Relaxed);
        header.fault.store(fault::of_next_call(&self.faults, call.entry), Relaxed);
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

    pub(super) fn seat(&self, ticket: Ticket) -> &Seat {
        &self.seats[ticket.slot as usize]
    }

    pub(super) fn header(&self, ticket: Ticket) -> &SlotHeader {
        self.region.slot(ticket.slot as usize)
    }
}
