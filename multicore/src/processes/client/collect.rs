//! What comes back to the client: wait for an outcome, take it, cancel its call, or forget it.
//!
//! An outcome is taken out of its slot by its owner, or moved aside by a thread that needs the slot
//! ([`sweep`](Client::sweep)); the swap to collecting decides who.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::time::{Duration, Instant};

use crate::processes::client::life::Loss;
use crate::processes::client::outcomes::add;
use crate::processes::client::{Client, HELD, Ticket};
use crate::processes::clock;
use crate::processes::worker::{low_half, progress, wake_waiters};
use crate::shm::layout::Outcome;
use crate::shm::window::Payload;
use crate::shm::word::{Cancelled, Detached, Phase, Word};
use crate::sys::futex;
use crate::sys::memory::in_large_pages;

/// An outcome that was moved out of its slot, or that never came.
pub(crate) enum Kept {
    Value(Vec<u8>),
    Report(Vec<u8>),
    Lost(Loss),
}

/// Of a copy that could not be made.
const NO_MEMORY: Loss = Loss::Os { call: "malloc", errno: libc::ENOMEM };

/// An outcome as its reader gets it.
pub(crate) enum Taken<'p> {
    Value(Payload<'p>),
    Report(Payload<'p>),
    Lost(Loss),
    /// The header says neither.
    Garbled,
}

impl Client {
    /// Moves finished outcomes that nobody has collected yet out of their slots; how many.
    pub(crate) fn sweep(&self) -> usize {
        let mut kept = self.kept();
        let mut moved = 0;
        for slot in 0..self.seats.len() {
            let Some(ticket) = self.finished(slot) else { continue };
            if let Ok(seen) = self.header(ticket).state.collect(ticket.generation) {
                if seen.is_background() {
                    self.note(ticket, seen);
                }
                kept.insert(ticket, self.read(ticket).into());
                self.release(ticket);
                moved += 1;
            }
        }
        moved
    }

    /// The call in this slot, if it is finished and somebody here holds it.
    pub(in crate::processes) fn finished(&self, slot: usize) -> Option<Ticket> {
        let held = self.seats[slot].held.load(Acquire);
        let state = self.region.slot(slot).state.state();
        let settled = matches!(state.phase(), Some(Phase::Done | Phase::Died));
        (held & HELD != 0 && settled && state.generation() == held as u32)
            .then_some(Ticket { slot: slot as u32, generation: held as u32 })
    }

    /// As [`is_settled`](Self::is_settled), for somebody who may ask again and again and never wait:
    /// goes on patrol as often as a waiter would.
    pub(crate) fn is_settled_or_looked_after(&self, ticket: Ticket) -> bool {
        // In a fork of the client the outcome belongs to the parent, and taking it says so.
        if self.is_settled(ticket) || !self.is_here() {
            return true;
        }
        self.patrol();
        self.is_settled(ticket)
    }

    /// Whether the outcome is there to be taken.
    pub(crate) fn is_settled(&self, ticket: Ticket) -> bool {
        let state = self.header(ticket).state.state();
        let pending = matches!(state.phase(), Some(Phase::Ready | Phase::Claimed | Phase::Running));
        !(pending && state.generation() == ticket.generation)
    }

    /// Workers that may want a core. In a sandboxed pool nobody tells.
    pub(in crate::processes) fn awake(&self) -> usize {
        match self.bell {
            None => self.region.awake(),
            Some(_) => 0,
        }
    }

    /// Waits until the outcome is there, or until the moment; whether it is there.
    pub(crate) fn wait(&self, ticket: Ticket, until: Option<Instant>) -> bool {
        if self.is_settled(ticket) {
            return true;
        }
        let word = self.header(ticket).state;
        let left = || until.map(|moment| moment.saturating_duration_since(Instant::now()));
        let within = left().unwrap_or(Duration::MAX);
        if self.spin.until(self.awake(), within, || self.is_settled(ticket)) {
            return true;
        }
        if !self.is_here() {
            // A fork of the client: the outcome belongs to the parent, and taking it says so.
            return true;
        }
        loop {
            let Ok(state) = word.wait(ticket.generation) else { return true };
            let left = left();
            if left == Some(Duration::ZERO) {
                return false;
            }
            let round = self.until_next_round();
            let sleep = left.map_or(round, |left| left.min(round));
            // Whatever ended it: somebody may wake this word again and again.
            let dormant = &self.region.head().dormant;
            dormant.fetch_add(1, Relaxed);
            let since = clock::now();
            let _ = futex::wait(low_half(word), state.futex_half(), Some(sleep));
            dormant.fetch_sub(1, Relaxed);
            self.spin.slept(clock::now().saturating_sub(since));
            self.patrol();
        }
    }

    /// Gives the settled outcome to `read`; the slot is free afterwards, also when `read` panics.
    pub(crate) fn take<T>(&self, ticket: Ticket, read: impl FnOnce(Taken<'_>) -> T) -> T {
        struct Releasing<'c>(&'c Client, Ticket);
        impl Drop for Releasing<'_> {
            fn drop(&mut self) {
                self.0.release(self.1);
            }
        }
        if self.header(ticket).state.collect(ticket.generation).is_ok() {
            let _release = Releasing(self, ticket);
            return read(self.read(ticket));
        }
        self.take_kept(ticket, read)
    }

    /// As [`take`](Self::take), but the slot is reserved for the next call afterwards, if it can be at once and
    /// nobody waits for one.
    pub(crate) fn take_over<T>(
        &self,
        ticket: Ticket,
        read: impl FnOnce(Taken<'_>) -> T,
    ) -> (T, Option<Ticket>) {
        struct Reserved<'c>(&'c Client, Ticket);
        impl Drop for Reserved<'_> {
            fn drop(&mut self) {
                self.0.give_up(self.1);
            }
        }
        let Some(next) = self.renew(ticket) else { return (self.take(ticket, read), None) };
        let reserved = Reserved(self, next);
        let result = read(self.read(next));
        std::mem::forget(reserved);
        self.put_in_order(next);
        (result, Some(next))
    }

    /// Gives the outcome of a call that this thread could not collect to `read`.
    #[cold]
    fn take_kept<T>(&self, ticket: Ticket, read: impl FnOnce(Taken<'_>) -> T) -> T {
        // Whoever else collected it holds the lock until it is kept.
        let mut kept = self.kept().remove(&ticket);
        if kept.is_none() {
            self.poison(|| self.kept().contains_key(&ticket));
            kept = self.kept().remove(&ticket);
            // Or nobody would: the word says nothing that settles.
            let _ = self.seat(ticket).held.compare_exchange(held(ticket), 0, Release, Relaxed);
        }
        match kept {
            Some(Kept::Value(bytes)) => read(Taken::Value(Payload::of(&bytes))),
            Some(Kept::Report(bytes)) => read(Taken::Report(Payload::of(&bytes))),
            Some(Kept::Lost(loss)) => read(Taken::Lost(loss)),
            None => read(Taken::Garbled),
        }
    }

    pub(super) fn read(&self, ticket: Ticket) -> Taken<'_> {
        let header = self.header(ticket);
        let (outcome, len) = (header.outcome.load(Relaxed), header.result_len.load(Relaxed));
        if outcome == Outcome::NoMemory as u32 {
            return Taken::Lost(Loss::Os { call: "fallocate", errno: len as i32 });
        }
        let slot = ticket.slot as usize;
        let taken = match outcome {
            n if n == Outcome::Value as u32 => self.region.result(slot, len).map(Taken::Value),
            n if n == Outcome::Part as u32 => {
                let (start, backed) = (header.result_start.load(Relaxed), &self.seat(ticket).backed);
                self.region.part(slot, start, len, backed.load(Relaxed)).map(Taken::Value)
            }
            n if n == Outcome::Report as u32 => self.region.result(slot, len).map(Taken::Report),
            _ => None,
        };
        if let Some(Taken::Value(payload) | Taken::Report(payload)) = &taken {
            add(&self.seat(ticket).bytes_received, payload.len() as u64);
        }
        taken.unwrap_or(Taken::Garbled)
    }

    /// Frees a collected slot.
    pub(super) fn release(&self, ticket: Ticket) {
        let slot = ticket.slot as usize;
        let seat = self.seat(ticket);
        self.keep_warm(slot);
        self.shares.settled(ticket);
        // Already 0 where the handle was dropped; never another call's, whatever the word says.
        let _ = seat.held.compare_exchange(held(ticket), 0, Release, Relaxed);
        self.header(ticket).state.release(ticket.generation);
        self.region.free().insert(slot);
        progress(&self.region, 1);
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
                self.count_loss(ticket.slot as usize, &Loss::Cancelled);
                self.release(ticket);
                drop(kept);
                // Somebody may wait for the word to settle, and no worker will say so.
                wake_waiters(&self.region, ticket.slot as usize);
            }
            Cancelled::Marked => {
                // Whatever becomes of the mark. Under the lock, so that no sweep gives the seat to another.
                self.seat(ticket).limit.store(1, Relaxed);
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
        if self.seat(ticket).held.compare_exchange(held(ticket), 0, SeqCst, SeqCst).is_ok() {
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

/// What the seat of this call says while somebody here holds it.
pub(super) fn held(ticket: Ticket) -> u64 {
    HELD | u64::from(ticket.generation)
}

impl From<Taken<'_>> for Kept {
    fn from(taken: Taken<'_>) -> Kept {
        match taken {
            // Without memory for a copy nobody can have it.
            Taken::Value(payload) => {
                payload.to_plain(in_large_pages).map_or(Kept::Lost(NO_MEMORY), Kept::Value)
            }
            Taken::Report(payload) => {
                payload.to_plain(in_large_pages).map_or(Kept::Lost(NO_MEMORY), Kept::Report)
            }
            Taken::Lost(loss) => Kept::Lost(loss),
            Taken::Garbled => Kept::Lost(Loss::Garbled),
        }
    }
}
