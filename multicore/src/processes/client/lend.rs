//! Results that stay in their windows while somebody reads them there.
//!
//! The slot of such a result stays *collecting*, held by its seat, until its reader is gone: to everybody else
//! it looks like one that is collected slowly. At most half of the slots are lent; what comes beyond that is
//! copied. So there is always a slot that moves, and whoever waits for one gets it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::processes::client::collect::{Kept, Taken, held};
use crate::processes::client::life::Loss;
use crate::processes::client::{Client, Ticket};
use crate::shm::in_place::Lent;
use crate::shm::layout::{Outcome, PAGE};
use crate::shm::window::Payload;
use crate::shm::word::Word;

/// A result in its slot, which is free once this is dropped.
pub(crate) struct Loan {
    client: Arc<Client>,
    ticket: Ticket,
    place: Range<usize>,
}

impl Client {
    /// Takes a settled call's value and leaves it where it lies. `None`, and it is to be taken as ever, where
    /// it is no value, a small one, or one too many.
    pub(crate) fn lend(self: &Arc<Client>, ticket: Ticket) -> Option<Loan> {
        let header = self.header(ticket);
        // A look; what counts is read again once the slot is this thread's.
        let outcome = header.outcome.load(Relaxed);
        let is_value = [Outcome::Value, Outcome::Part].map(|o| o as u32).contains(&outcome);
        if !is_value || header.result_len.load(Relaxed) <= PAGE as u64 {
            return None;
        }
        let most = self.seats.len() / 2;
        self.lent.fetch_update(Relaxed, Relaxed, |lent| (lent < most).then_some(lent + 1)).ok()?;
        let loan = self.lend_slot(ticket);
        if loan.is_none() {
            self.lent.fetch_sub(1, Relaxed);
        }
        loan
    }

    fn lend_slot(self: &Arc<Client>, ticket: Ticket) -> Option<Loan> {
        // Kept before the slot is free, so that whoever finds it gone finds it here.
        let mut kept = self.kept();
        self.header(ticket).state.collect(ticket.generation).ok()?;
        match self.read(ticket) {
            Taken::Value(payload) => {
                // Once and for all: what the header says of it may change.
                let place = self.region.place_of(&payload);
                Some(Loan { client: self.clone(), ticket, place })
            }
            // It was something else a moment ago.
            _ => {
                kept.insert(ticket, Kept::Lost(Loss::Garbled));
                self.release(ticket);
                None
            }
        }
    }

    fn end_loan(&self, ticket: Ticket) {
        self.lent.fetch_sub(1, Relaxed);
        if self.seat(ticket).held.load(Acquire) == held(ticket) {
            return self.release(ticket);
        }
        // Somebody forged the slot's word, and it was settled as lost, for a reader that had it already.
        self.kept().remove(&ticket);
    }
}

impl Lent for Loan {
    fn payload(&self) -> Payload<'_> {
        self.client.region.payload_at(self.place.clone())
    }

    fn is_out_of_reach(&self) -> bool {
        // In a fork of the client somebody else may use the slot meanwhile: the client itself.
        self.client.is_here()
            && self.client.settings.sandbox.as_ref().is_some_and(|sandbox| sandbox.keeps_to_own_memory())
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        // A fork of the client drops a copy of it.
        if self.client.is_here() {
            self.client.end_loan(self.ticket);
        }
    }
}
