//! A parallel map whose results are awaited.
//!
//! As the iterator, but for what it does when it would wait: it leaves its waker with the calls whose result may
//! come next, or, with nothing under way, in the line of those that await a slot. It has a slot before it asks for a
//! call, and keeps no call from one poll to the next: calls cannot be sent to other threads, and streams can.

use std::collections::HashSet;
use std::fmt;
use std::iter::Fuse;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_core::Stream;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::many::flight::Flight;
use crate::many::map::{Line, Map, MapUnordered, Mapped, Order, QUICK};
use crate::many::on::On;
use crate::pool::{Place, Pool};
use crate::processes::client::{Client, Ticket, WhenFull};

/// The results of a map as a stream, from [`Map::into_stream`] or [`MapUnordered::into_stream`].
///
/// Dropping it cancels what is under way. An item is `Os` also when the thread that awaits need cannot be started.
#[must_use = "a stream does nothing until its items are asked for"]
pub struct MapStream<'p, I, R> {
    on: On<'p>,
    line: Sending<I, R>,
    /// How many calls are under way at most.
    most: Option<usize>,
    order: Order,
    awaited: Awaited,
    /// Where this stands in the line for a slot.
    place: Option<(Arc<Client>, u64)>,
}

/// Calls to be sent, and those that were.
struct Sending<I, R> {
    calls: Fuse<I>,
    flight: Flight<R>,
    /// Whether the last call was there as soon as it was asked for.
    quick: bool,
}

impl<'p, 'a, I, R> Map<'p, I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    /// The same results as a stream, for an executor (feature `stream`).
    ///
    /// A type of its own, because `next` and `map` mean one thing on an iterator and another on a stream.
    ///
    /// ```
    /// use smol::stream::StreamExt;
    ///
    /// #[multicore::task]
    /// fn square(n: u64) -> u64 { n * n }
    ///
    /// # fn main() -> multicore::Result<()> {
    /// # smol::block_on(async {
    /// let mut squares = multicore::map((0..).map(square::call)).into_stream();
    /// let mut sum = 0;
    /// while sum < 100 {
    ///     sum += squares.next().await.expect("an endless one")?;
    /// }
    /// assert_eq!(sum, 140);
    /// # Ok(()) })
    /// # }
    /// ```
    pub fn into_stream(self) -> MapStream<'p, I, R> {
        MapStream::new(self.mapped, Order::OfCalls)
    }
}

impl<'p, 'a, I, R> MapUnordered<'p, I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    /// As [`Map::into_stream`].
    pub fn into_stream(self) -> MapStream<'p, I, R> {
        MapStream::new(self.mapped, Order::AsTheyCome)
    }
}

impl<'a, I, R> Stream for MapStream<'_, I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    type Item = Result<R>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<R>>> {
        let MapStream { on, line, most, order, awaited, place } = &mut *self;
        let (pool, client) = match on.pool().map(|pool| (pool, pool.backend.place())) {
            Ok((pool, Place::Workers(client))) => (pool, client),
            // Nothing that would wait.
            Ok((pool, Place::Here { .. })) => return Poll::Ready(line.run(pool)),
            Err(error) => return Poll::Ready(line.refuse(error)),
        };
        let most = most.unwrap_or_else(|| pool.in_flight());
        let mut is_in_line = false;
        loop {
            let ahead = line.send_where_free(pool, client, most, *order);
            if let Some(at) = order.find(&line.flight) {
                leave(place);
                awaited.forget(client, line.flight.ticket(at));
                return Poll::Ready(line.take_and_send(pool, client, at, most));
            }
            if line.flight.len() > 0 {
                match awaited.wake_by(client, &line.flight, *order, context.waker()) {
                    Ok(true) => continue,
                    Ok(false) => return Poll::Pending,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            if ahead == Ahead::NoCall {
                leave(place);
                return Poll::Ready(None);
            }
            if is_in_line {
                return Poll::Pending;
            }
            // Others have every slot. Once more: one may have come free before this stood in line.
            let mut number = place.as_ref().map(|(_, number)| *number);
            let stands = client.stand_in_line(&mut number, context.waker());
            *place = number.map(|number| (client.clone(), number));
            if let Err(error) = stands {
                return Poll::Ready(Some(Err(error)));
            }
            is_in_line = true;
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.line.calls.size_hint();
        let under_way = self.line.flight.len();
        (least.saturating_add(under_way), most.and_then(|most| most.checked_add(under_way)))
    }
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
    /// Runs the next call in this process.
    fn run(&mut self, pool: &Pool) -> Option<Result<R>> {
        let call = self.calls.next()?;
        let _ = self.flight.send(pool, call, None);
        self.flight.take(0, false).map(|(_, result, _)| result)
    }

    /// The next call fails.
    fn refuse(&mut self, error: Error) -> Option<Result<R>> {
        let _ = self.calls.next()?;
        self.flight.fail(error);
        self.flight.take(0, false).map(|(_, result, _)| result)
    }

    /// The next call; notes whether it was slow to come.
    fn ask(&mut self) -> Option<Call<'a, R>> {
        let since = Instant::now();
        let call = self.calls.next();
        self.quick = since.elapsed() <= QUICK;
        call
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

    /// Takes one result, and sends the next call in its slot.
    fn take_and_send(&mut self, pool: &Pool, client: &Client, at: usize, most: usize) -> Option<Result<R>> {
        let wants_slot = !self.is_exhausted() && self.flight.len() <= most;
        let (_, result, slot) = self.flight.take(at, wants_slot)?;
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

    fn is_exhausted(&self) -> bool {
        self.calls.size_hint().1 == Some(0)
    }
}

/// The calls that have this stream's waker.
#[derive(Default)]
struct Awaited {
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

fn leave(place: &mut Option<(Arc<Client>, u64)>) {
    if let Some((client, number)) = place.take() {
        client.leave(number);
    }
}

impl<'p, 'a, I, R> MapStream<'p, I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    fn new(mapped: Mapped<'p, I, R>, order: Order) -> Self {
        let Mapped { mut on, line, most } = mapped;
        let Line { calls, held, mut flight, quick } = line;
        // Of an iterator that found no slot for it. It waits for one, so that no call has to be kept.
        if let Some(call) = held {
            let sent = on.pool().and_then(|pool| pool.spawn(call));
            flight.take_in(sent.unwrap_or_else(Handle::failed));
        }
        let line = Sending { calls, flight, quick };
        MapStream { on, line, most, order, awaited: Awaited::default(), place: None }
    }
}

/// Nothing in it is ever pinned.
impl<I, R> Unpin for MapStream<'_, I, R> {}

impl<I, R> Drop for MapStream<'_, I, R> {
    fn drop(&mut self) {
        leave(&mut self.place);
    }
}

impl<I, R> fmt::Debug for MapStream<'_, I, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream").finish_non_exhaustive()
    }
}
