//! The client's side of a pool: reserve a slot, encode, publish. What comes back is in
//! [`collect`].
//!
//! Any number of threads; no lock on the way of a call. What the client believes about a slot it
//! keeps in memory of its own, so that a worker that scribbles over the region cannot make two
//! threads use one slot.

mod any;
pub(crate) mod awaited;
pub(crate) mod background;
pub(crate) mod collect;
pub(crate) mod journal;
pub(crate) mod launch;
pub(crate) mod lend;
pub(crate) mod life;
mod line;
pub(crate) mod link;
pub(crate) mod outcomes;
pub(crate) mod patrol;
pub(crate) mod room;
pub(crate) mod settle;
pub(crate) mod shares;
pub(crate) mod steps;
pub(crate) mod template;
pub(crate) mod waking;
pub(crate) mod warmth;

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::awaited::Awaited;
use self::collect::{Kept, held};
use self::journal::Journal;
use self::life::{Life, Standing};
use self::outcomes::{Outcomes, add, is_sample};
use self::patrol::Patrol;
use self::shares::Shares;
use self::warmth::{Share, Warmth};
use crate::call::Call;
use crate::config::{Settings, Start};
use crate::error::{Error, Result};
use crate::processes::clock;
use crate::processes::ledger;
use crate::processes::queue;
use crate::processes::repair::wake_worker;
use crate::processes::spin::Spin;
use crate::processes::worker::fault::{self, Plan};
use crate::report::client_error;
use crate::shared::travel;
use crate::shm::region::{Region, Slot};
use crate::shm::window::WindowWriter;
use crate::shm::word::{Rank, Word};
use crate::sys::eventfd;
use crate::sys::fault::point;
use crate::sys::fork_guard::{self, Token};

/// One use of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket {
    pub(in crate::processes) slot: u32,
    pub(in crate::processes) generation: u32,
}

/// What the client itself knows of a slot.
#[derive(Default)]
pub(in crate::processes) struct Seat {
    /// The generation under way, with [`HELD`] set; [`RESERVING`]; 0 when nobody here holds the slot.
    pub(in crate::processes) held: AtomicU64,
    /// How often it was reserved. The lower half is the last generation, which the next one follows whatever the
    /// word says.
    uses: AtomicU64,
    /// Bytes of the arguments that went through it, and of the outcomes that came back.
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    /// Bytes of the argument window that have pages.
    pub(in crate::processes) backed: AtomicU64,
    /// What its windows keep between calls.
    share: Share,
    /// Nanoseconds that the call may run; 0 for no limit. The header's copy is for the supervisor.
    pub(in crate::processes) limit: AtomicU64,
    /// How often the call may be run again at most. The header's copy counts down.
    pub(in crate::processes) retries: AtomicU32,
}

pub(in crate::processes) const HELD: u64 = 1 << 32;
/// A thread here is about to take the slot.
pub(in crate::processes) const RESERVING: u64 = 1 << 33;

/// A pool, seen from the process that made it.
pub(crate) struct Client {
    pub(crate) region: Region,
    pub(crate) file: Arc<OwnedFd>,
    /// Wakes the supervisor of a sandboxed pool, which hands the calls out.
    pub(crate) bell: Option<OwnedFd>,
    pub(crate) settings: Settings,
    faults: Vec<Plan>,
    pub(crate) method: Start,
    pub(in crate::processes) seats: Box<[Seat]>,
    reserve_cursor: AtomicU32,
    warmth: Warmth,
    /// Results that somebody reads where they lie.
    lent: AtomicUsize,
    pub(crate) life: Mutex<Life>,
    /// A copy of the life's standing that needs no lock.
    pub(crate) standing: AtomicU32,
    pub(in crate::processes) kept: Mutex<HashMap<Ticket, Kept>>,
    /// The lives of jobs whose results are still to be had.
    pub(in crate::processes) journals: Mutex<HashMap<Ticket, Arc<Journal>>>,
    /// Held by whoever sends a background call.
    admission: Mutex<()>,
    pub(in crate::processes) spin: Spin,
    /// What those who wait look at, and when they last did.
    pub(in crate::processes) patrol: Mutex<Patrol>,
    pub(in crate::processes) patrolled: AtomicU64,
    /// How many threads sleep until any slot moves. The head's copy is for the workers.
    sleepers: Mutex<u32>,
    /// Whom to wake when calls settle.
    awaited: Awaited,
    /// What calls name of shared data.
    pub(in crate::processes) shares: Shares,
    pub(in crate::processes) outcomes: Outcomes,
    made_in: Token,
}

/// What to do while no slot is free.
#[derive(Clone, Copy)]
pub(crate) enum WhenFull {
    Return,
    /// Moves finished outcomes aside before.
    SweepAndReturn,
    /// As that, for somebody who must not be held up: others look after the pool.
    SweepAlone,
    /// As long as every slot is queued or running.
    Wait,
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
        bell: Option<OwnedFd>,
        settings: Settings,
        faults: Vec<Plan>,
        method: Start,
        life: Life,
    ) -> Client {
        let seats: Box<[Seat]> = (0..region.geometry().slots).map(|_| Seat::default()).collect();
        let (patrol, patience) = (Patrol::of(seats.len()), settings.patience);
        let shares = Shares::new(life.link.clone());
        Client {
            region,
            file,
            bell,
            settings,
            faults,
            method,
            seats,
            reserve_cursor: AtomicU32::new(0),
            warmth: Warmth::default(),
            lent: AtomicUsize::new(0),
            life: Mutex::new(life),
            standing: AtomicU32::new(Standing::Open as u32),
            kept: Mutex::new(HashMap::new()),
            journals: Mutex::default(),
            admission: Mutex::default(),
            spin: Spin::new(patience),
            patrol: Mutex::new(patrol),
            patrolled: AtomicU64::new(clock::now()),
            sleepers: Mutex::new(0),
            awaited: Awaited::default(),
            shares,
            outcomes: Outcomes::open(),
            made_in: fork_guard::token(),
        }
    }

    /// Whether this process is the one that made the pool, and not a fork of it.
    pub(crate) fn is_here(&self) -> bool {
        !fork_guard::in_forked_child(self.made_in)
    }

    pub(in crate::processes) fn kept(&self) -> MutexGuard<'_, HashMap<Ticket, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a call off.
    pub(crate) fn send<'a, R>(
        &self,
        call: Call<'a, R>,
        when_full: WhenFull,
    ) -> Result<Ticket, NotSent<'a, R>> {
        let ticket = match self.reserve(when_full) {
            Ok(Some(ticket)) => ticket,
            Ok(None) => return Err(NotSent::Full(call)),
            Err(error) => return Err(NotSent::Failed(error)),
        };
        self.send_in(ticket, &call).map_err(NotSent::Failed)?;
        Ok(ticket)
    }

    /// Sends a call off in a slot that this thread has reserved; one that cannot be sent gives it back.
    pub(crate) fn send_in<R>(&self, ticket: Ticket, call: &Call<'_, R>) -> Result<()> {
        self.fill(ticket, call)?;
        self.publish(ticket, call.rank);
        Ok(())
    }

    /// Reserves a slot; `None` where none is free and it is not to wait.
    ///
    /// # Errors
    /// `Closed`, or why the pool failed.
    pub(crate) fn reserve(&self, when_full: WhenFull) -> Result<Option<Ticket>> {
        if !self.is_here() {
            return Err(Error::Closed);
        }
        loop {
            self.check_standing()?;
            if let Some(ticket) = self.try_reserve() {
                return Ok(Some(ticket));
            }
            match when_full {
                WhenFull::Return => return Ok(None),
                WhenFull::SweepAndReturn if self.sweep() == 0 => {
                    // Also by those who come again and again and never wait.
                    self.patrol();
                    return Ok(None);
                }
                WhenFull::SweepAlone if self.sweep() == 0 => return Ok(None),
                WhenFull::SweepAndReturn | WhenFull::SweepAlone => {}
                WhenFull::Wait => {
                    if !self.is_room(self.sweep()) {
                        self.wait_for_room();
                        self.sweep();
                    }
                }
            }
        }
    }

    pub(in crate::processes) fn try_reserve(&self) -> Option<Ticket> {
        // Bounded, or a flood of forged hints would keep a thread here.
        for _ in 0..self.seats.len() {
            let slot = self.region.free().take(self.first_to_reserve())?;
            self.reserve_cursor.store(slot as u32 + 1, Relaxed);
            if let Some(ticket) = self.reserve_slot(slot) {
                self.look_at_windows(slot);
                self.shares.renewed(ticket);
                return Some(ticket);
            }
        }
        None
    }

    /// Where the next free slot is looked for: behind the last one, because slots are claimed in turn; and from
    /// the lowest again, whose windows are the warmest, once no call is older than those that come now.
    #[inline]
    fn first_to_reserve(&self) -> usize {
        let (free, cursor) = (self.region.free(), self.reserve_cursor.load(Relaxed) as usize);
        if cursor == 0 || !free.begins_whole(64) {
            return cursor;
        }
        if free.begins_whole(self.seats.len()) {
            // Nothing is queued: claims go round from here as well.
            self.region.head().claim_cursor.0.store(0, Relaxed);
            return 0;
        }
        // Those that are queued lie between the last claim and the cursor, and come before what lies below.
        if cursor < 64 { cursor } else { 0 }
    }

    /// Reserves the slot whose hint was taken, unless that was forged.
    fn reserve_slot(&self, slot: usize) -> Option<Ticket> {
        let seat = &self.seats[slot];
        if seat.held.compare_exchange(0, RESERVING, AcqRel, Relaxed).is_err() {
            // Nobody here let go of it: the hint was forged. Leave the slot to its holder.
            return None;
        }
        let uses = seat.uses.load(Relaxed).wrapping_add(1);
        let generation = uses as u32;
        let word = self.region.slot(slot).state;
        let reserved = word.reserve();
        if reserved != Some(generation) {
            if reserved.is_some() && word.reset(word.state(), generation.wrapping_sub(1)) {
                // The number was forged: two calls of one number would be taken for each other.
                self.region.free().insert(slot);
            }
            seat.held.store(0, Release);
            return None;
        }
        seat.uses.store(uses, Relaxed);
        seat.held.store(HELD | u64::from(generation), Release);
        Some(Ticket { slot: slot as u32, generation })
    }

    /// Reserves the slot of a call that has settled for the next one, before its outcome is read; `None`, and it
    /// is to be taken as ever, where others wait for slots, or have collected it. Its windows are as the call
    /// left them until [`put_in_order`](Client::put_in_order).
    pub(in crate::processes) fn renew(&self, ticket: Ticket) -> Option<Ticket> {
        let (slot, seat) = (ticket.slot as usize, self.seat(ticket));
        // Only a hint, and the workers' to forge: then it is collected and released, as it may be.
        if self.region.head().sleepers.load(Relaxed) != 0 || self.check_standing().is_err() {
            return None;
        }
        seat.held.compare_exchange(held(ticket), RESERVING, AcqRel, Relaxed).ok()?;
        let Some(generation) = self.header(ticket).state.renew(ticket.generation) else {
            // A sweep was faster. Whoever came by meanwhile took the hint of a slot that seemed to be held.
            seat.held.store(0, Release);
            self.region.free().insert(slot);
            return None;
        };
        add(&seat.uses, 1);
        let next = Ticket { slot: ticket.slot, generation };
        seat.held.store(held(next), Release);
        Some(next)
    }

    /// Prepares a slot that was [renewed](Client::renew) for its next call, once nobody reads the last outcome.
    pub(in crate::processes) fn put_in_order(&self, next: Ticket) {
        self.keep_warm(next.slot as usize);
        self.look_at_windows(next.slot as usize);
        self.shares.renewed(next);
    }

    /// As [`give_up`](Client::give_up), by whoever reserved it for later; nothing in a fork of the client.
    pub(crate) fn hand_back(&self, ticket: Ticket) {
        if self.is_here() {
            self.give_up(ticket);
        }
    }

    /// Frees a slot that is reserved and was not published.
    fn give_up(&self, ticket: Ticket) {
        self.keep_warm(ticket.slot as usize);
        self.let_go(ticket);
    }

    /// As [`give_up`](Client::give_up), for a slot whose windows are in order.
    fn let_go(&self, ticket: Ticket) {
        let slot = ticket.slot as usize;
        self.shares.settled(ticket);
        self.seats[slot].held.store(0, Release);
        {
            let mut counts = self.outcomes.counts();
            self.header(ticket).state.abandon(ticket.generation);
            counts.unsent += 1;
        }
        self.region.free().insert(slot);
        crate::processes::worker::progress(&self.region, 1);
    }

    /// Encodes the arguments and writes the header. A panic in the user's `Serialize` gives the slot
    /// back.
    fn fill<R>(&self, ticket: Ticket, call: &Call<'_, R>) -> Result<()> {
        struct Abandon<'c>(&'c Client, Ticket);
        impl Drop for Abandon<'_> {
            fn drop(&mut self) {
                self.0.give_up(self.1);
            }
        }
        let abandon = Abandon(self, ticket);
        call.check()?;
        let header = self.header(ticket);
        let mut store = self.region.arguments_store(ticket.slot as usize, &self.seat(ticket).backed);
        let mut out = WindowWriter::new(&mut store, self.region.geometry().window);
        let (encoded, named) = travel::naming(self.bell.is_none(), || call.body.encode(call.codec, &mut out));
        if let Some(why) = named.refused {
            return Err(Error::refused(why));
        }
        encoded.map_err(|failure| client_error(failure, call.entry.name()))?;
        self.keep(ticket, named)?;
        header.arguments_len.store(out.needed() as u64, Relaxed);
        header.task.store(call.entry.id(), Relaxed);
        header.codec.store(u32::from(call.codec.to_byte()), Relaxed);
        let timeout = call.timeout.or(self.settings.timeout);
        let limit = timeout.map_or(0, |limit| clock::nanoseconds(limit).max(1));
        header.timeout.store(limit, Relaxed);
        header.retries.store(call.retries, Relaxed);
        // What the patrol believes, whatever becomes of the header.
        self.seat(ticket).limit.store(limit, Relaxed);
        self.seat(ticket).retries.store(call.retries, Relaxed);
        add(&self.seat(ticket).bytes_sent, out.needed() as u64);
        if call.rank.background {
            ledger::open(&self.region, ticket.slot as usize);
        }
        header.fault.store(fault::of_next_call(&self.faults, call.entry), Relaxed);
        std::mem::forget(abandon);
        Ok(())
    }

    /// Hands the slot to the workers and wakes one if one sleeps, or who hands calls out to it.
    fn publish(&self, ticket: Ticket, rank: Rank) {
        let slot = ticket.slot as usize;
        let header = self.header(ticket);
        if is_sample(ticket.generation) {
            header.published.store(clock::now(), Relaxed);
        }
        point("filled");
        header.state.publish_as(ticket.generation, rank);
        let lookout = self.region.lookout();
        let sleeper = if rank.background {
            lookout.offer_background(slot, self.settings.limits.background_from)
        } else {
            if rank.level != 0 {
                lookout.ready.insert(slot);
                queue::announce(&self.region);
            }
            lookout.offer(slot)
        };
        if let Some(worker) = sleeper {
            if self.bell.is_some() {
                return self.ring();
            }
            wake_worker(&self.region, worker);
        }
    }

    /// In a sandboxed pool: has the supervisor look for calls to be handed out.
    pub(in crate::processes) fn ring(&self) {
        if let Some(bell) = &self.bell {
            // A ring that fails is rung again by the patrol.
            let _ = eventfd::signal(bell.as_fd());
        }
    }

    pub(in crate::processes) fn seat(&self, ticket: Ticket) -> &Seat {
        &self.seats[ticket.slot as usize]
    }

    pub(in crate::processes) fn header(&self, ticket: Ticket) -> Slot<'_> {
        self.region.slot(ticket.slot as usize)
    }
}
