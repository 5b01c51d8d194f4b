//! A stream on a pool of processes, whose calls hand their slots on.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::Sending;
use crate::call::Call;
use crate::error::Result;
use crate::many::flight::Flight;
use crate::many::line::Order;
use crate::pool::Pool;
use crate::pool::reserved::Standing;
use crate::processes::client::{Client, Ticket, WhenFull};

/// What one poll works with.
pub(super) struct Stage<'s> {
    pub(super) pool: &'s Pool,
    pub(super) client: &'s Arc<Client>,
    /// How many calls are under way at most.
    pub(super) most: usize,
    pub(super) order: Order,
    pub(super) waker: &'s Waker,
}

/// Why no more calls are sent for now.
#[derive(PartialEq, Eq)]
enum Ahead {
    Enough,
    NoSlot,
    NoCall,
}

impl<'a, I, R> Sending<I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    /// The next result, or nothing yet; `place` is where this stands in line.
    pub(super) fn poll_in(
        &mut self,
        stage: &Stage<'_>,
        awaited: &mut Awaited,
        place: &mut Option<Standing>,
    ) -> Poll<Option<Result<R>>> {
        let Stage { pool, client, most, order, waker } = *stage;
        let mut is_in_line = false;
        loop {
            let ahead = self.send_where_free(pool, client, most, order);
            if let Some(at) = order.find(&self.flight) {
                Standing::leave(place);
                awaited.forget(client, self.flight.ticket(at));
                let in_its_slot = ahead == Ahead::NoSlot || self.flight.len() == most;
                return Poll::Ready(self.take_and_send(pool, client, at, in_its_slot));
            }
            if self.flight.len() > 0 {
                match awaited.wake_by(client, &self.flight, order, waker) {
                    Ok(true) => continue,
                    Ok(false) => return Poll::Pending,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            if ahead == Ahead::NoCall {
                Standing::leave(place);
                return Poll::Ready(None);
            }
            if is_in_line {
                return Poll::Pending;
            }
            // Others have every slot. Once more: one may have come free before this stood in line.
            let mut number = place.as_ref().map(Standing::place);
            let stands = client.stand_in_line(&mut number, waker);
            *place = number.map(|number| Standing::Client(client.clone(), number));
            if let Err(error) = stands {
                return Poll::Ready(Some(Err(error)));
            }
            is_in_line = true;
        }
    }

    /// Sends calls until enough are under way, or the wanted result is there; as the iterator does it.
    fn send_where_free(&mut self, pool: &Pool, client: &Client, most: usize, order: Order) -> Ahead {
        while self.flight.len() < most {
            let there = order.find(&self.flight).is_some();
            if there && !self.quick {
                break;
            }
            if self.is_exhausted() {
                return Ahead::NoCall;
            }
            // With nothing under way the slots are others', whose results may be moved aside.
            let when_full = if self.flight.len() == 0 { WhenFull::SweepAlone } else { WhenFull::Return };
            match client.reserve(when_full) {
                Ok(None) => return Ahead::NoSlot,
                Ok(Some(slot)) if !self.send_in(pool, client, slot) => return Ahead::NoCall,
                Ok(Some(_)) => {}
                Err(error) => {
                    if self.ask().is_none() {
                        return Ahead::NoCall;
                    }
                    self.flight.fail(error);
                }
            }
            if there {
                break;
            }
        }
        Ahead::Enough
    }

    /// Takes one result, and sends the next call in its slot; unless there are to be more, which the next poll sends
    /// in new ones, as the iterator does.
    fn take_and_send(
        &mut self,
        pool: &Pool,
        client: &Client,
        at: usize,
        in_its_slot: bool,
    ) -> Option<Result<R>> {
        let (_, result, slot) = self.flight.take(at, in_its_slot && !self.is_exhausted())?;
        if let Some(slot) = slot {
            self.send_in(pool, client, slot);
        }
        Some(result)
    }

    /// Sends the next call in this slot; whether there is one.
    fn send_in(&mut self, pool: &Pool, client: &Client, slot: Ticket) -> bool {
        struct HandBack<'c>(&'c Client, Ticket);
        impl Drop for HandBack<'_> {
            fn drop(&mut self) {
                self.0.hand_back(self.1);
            }
        }
        // Also where the user's iterator panics.
        let slot = HandBack(client, slot);
        let Some(call) = self.ask() else { return false };
        let ticket = slot.1;
        std::mem::forget(slot);
        let back = self.flight.send(pool, call, Some(ticket));
        debug_assert!(back.is_none(), "it has a slot");
        true
    }
}

/// The calls that have this stream's waker.
#[derive(Default)]
pub(super) struct Awaited {
    client: Option<Arc<Client>>,
    waker: Option<Waker>,
    tickets: HashSet<Ticket>,
}

impl Awaited {
    /// Leaves the waker with the calls whose result may come next; whether one of them has settled by now.
    fn wake_by<R: 'static>(
        &mut self,
        client: &Arc<Client>,
        flight: &Flight<R>,
        order: Order,
        waker: &Waker,
    ) -> Result<bool> {
        self.client.get_or_insert_with(|| client.clone());
        if !self.waker.as_ref().is_some_and(|before| before.will_wake(waker)) {
            self.waker = Some(waker.clone());
            self.tickets.clear();
        }
        let count = if order == Order::OfCalls { 1 } else { flight.len() };
        for ticket in (0..count).filter_map(|at| flight.ticket(at)) {
            if self.tickets.insert(ticket) && client.wake_when_settled(ticket, waker)? {
                return Ok(true);
            }
        }
        Ok((0..count).any(|at| flight.is_finished(at)))
    }

    /// This call's result is taken now.
    fn forget(&mut self, client: &Client, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket.filter(|ticket| self.tickets.remove(ticket)) {
            client.stop_awaiting(ticket);
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(client) = &self.client {
            self.tickets.iter().for_each(|ticket| client.stop_awaiting(*ticket));
        }
    }
}
