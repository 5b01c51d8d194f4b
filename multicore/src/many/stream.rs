//! A parallel map whose results are awaited.
//!
//! As the iterator, but for what it does when it would wait: it leaves its waker with the calls whose result may
//! come next, or, with nothing under way, in the line of those that await a slot. It has a slot before it asks for a
//! call, and keeps no call from one poll to the next: calls cannot be sent to other threads, and streams can.

#[cfg(processes)]
mod slots;
#[cfg(threads)]
mod threads;

use std::fmt;
use std::iter::Fuse;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::Stream;

#[cfg(processes)]
use self::slots::Awaited;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::many::flight::Flight;
use crate::many::line::{Line, Mapped, Order, QUICK};
use crate::many::map::{Map, MapUnordered};
use crate::many::on::On;
use crate::pool::reserved::Standing;
use crate::pool::{Place, Pool};

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
    #[cfg(processes)]
    awaited: Awaited,
    /// Where this stands in the line for a slot.
    place: Option<Standing>,
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
        let stream = &mut *self;
        #[cfg(processes)]
        let awaited = &mut stream.awaited;
        let (on, line, most, order, place) =
            (&mut stream.on, &mut stream.line, &stream.most, &stream.order, &mut stream.place);
        let (pool, engine) = match on.pool() {
            Ok(pool) => (pool, pool.engine.place()),
            Err(error) => return Poll::Ready(line.refuse(error)),
        };
        let most = most.unwrap_or_else(|| pool.in_flight());
        match engine {
            // Nothing that would wait.
            Place::Here { .. } => Poll::Ready(line.run(pool)),
            #[cfg(threads)]
            Place::Threads(threads) => {
                let (desk, waker) = (&threads.desk, context.waker());
                line.poll_on(&threads::Stage { pool, desk, most, order: *order, waker }, place)
            }
            #[cfg(processes)]
            Place::Workers(client) => {
                let stage = slots::Stage { pool, client, most, order: *order, waker: context.waker() };
                line.poll_in(&stage, awaited, place)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.line.calls.size_hint();
        let under_way = self.line.flight.len();
        (least.saturating_add(under_way), most.and_then(|most| most.checked_add(under_way)))
    }
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

    fn is_exhausted(&self) -> bool {
        self.calls.size_hint().1 == Some(0)
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
        MapStream {
            on,
            line,
            most,
            order,
            #[cfg(processes)]
            awaited: Awaited::default(),
            place: None,
        }
    }
}

/// Nothing in it is ever pinned.
impl<I, R> Unpin for MapStream<'_, I, R> {}

impl<I, R> Drop for MapStream<'_, I, R> {
    fn drop(&mut self) {
        Standing::leave(&mut self.place);
    }
}

impl<I, R> fmt::Debug for MapStream<'_, I, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream").finish_non_exhaustive()
    }
}
