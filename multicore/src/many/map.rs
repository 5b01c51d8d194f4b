//! A parallel map: calls go in as they are wanted, results come out as they are there.

use std::fmt;
use std::iter::{Fuse, FusedIterator};
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::error::Result;
use crate::many::flight::Flight;
use crate::many::on::On;
use crate::pool::{Place, Pool};

/// A source that gives a call so fast is asked for more than one at a time.
pub(super) const QUICK: Duration = Duration::from_micros(100);

/// Runs calls on the default pool; gives their results in the order of the calls.
///
/// Calls are taken from the iterator as results are taken from this one, a bounded number ahead
/// ([`in_flight`](Map::in_flight)), so an endless iterator runs in constant memory. An error in one call is
/// that item's `Err`, and the others go on; `collect::<Result<Vec<_>>>()` stops at the first error. Dropping it
/// cancels what is under way. Nothing happens before the first result is asked for.
///
/// ```
/// #[multicore::task]
/// fn square(n: u64) -> u64 { n * n }
///
/// let squares: Vec<u64> = multicore::map((0..5).map(square::call)).collect::<Result<_, _>>()?;
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
///
/// // The same in short, for a task of one argument; the first result comes before the last call is made.
/// let mut endless = square::map(0..);
/// assert_eq!(endless.next().unwrap()?, 0);
/// assert_eq!(endless.next().unwrap()?, 1);
/// # Ok::<(), multicore::Error>(())
/// ```
///
/// Python's `Pool.imap`; `starmap` is a call of several arguments.
pub fn map<'a, R, I>(calls: I) -> Map<'static, I::IntoIter, R>
where
    I: IntoIterator<Item = Call<'a, R>>,
    R: 'static,
{
    Map { mapped: Mapped::new(On::Default(None), calls.into_iter()) }
}

/// As [`map`], but gives each result as soon as it is there.
///
/// ```
/// #[multicore::task]
/// fn square(n: u64) -> u64 { n * n }
///
/// let mut squares: Vec<u64> = multicore::map_unordered((0..5).map(square::call)).collect::<Result<_, _>>()?;
/// squares.sort();
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// # Ok::<(), multicore::Error>(())
/// ```
///
/// Python's `Pool.imap_unordered`.
pub fn map_unordered<'a, R, I>(calls: I) -> MapUnordered<'static, I::IntoIter, R>
where
    I: IntoIterator<Item = Call<'a, R>>,
    R: 'static,
{
    MapUnordered { mapped: Mapped::new(On::Default(None), calls.into_iter()) }
}

impl Pool {
    /// As [`map`](crate::map), on this pool.
    pub fn map<'a, R, I>(&self, calls: I) -> Map<'_, I::IntoIter, R>
    where
        I: IntoIterator<Item = Call<'a, R>>,
        R: 'static,
    {
        Map { mapped: Mapped::new(On::Pool(self), calls.into_iter()) }
    }

    /// As [`map_unordered`](crate::map_unordered), on this pool.
    pub fn map_unordered<'a, R, I>(&self, calls: I) -> MapUnordered<'_, I::IntoIter, R>
    where
        I: IntoIterator<Item = Call<'a, R>>,
        R: 'static,
    {
        MapUnordered { mapped: Mapped::new(On::Pool(self), calls.into_iter()) }
    }
}

/// The results of [`map`], in the order of the calls.
#[must_use = "a map does nothing until its results are asked for"]
pub struct Map<'p, I: Iterator, R> {
    pub(super) mapped: Mapped<'p, I, R>,
}

/// The results of [`map_unordered`], as they come.
#[must_use = "a map does nothing until its results are asked for"]
pub struct MapUnordered<'p, I: Iterator, R> {
    pub(super) mapped: Mapped<'p, I, R>,
}

impl<I: Iterator, R> Map<'_, I, R> {
    /// How many calls are under way at most, those included that are finished and not asked for yet; at least
    /// 1, by default half of the pool's slots.
    ///
    /// While the oldest call takes its time, so many others can run and wait for their turn.
    pub fn in_flight(mut self, calls: usize) -> Self {
        self.mapped.most = Some(calls.max(1));
        self
    }
}

impl<I: Iterator, R> MapUnordered<'_, I, R> {
    /// As [`Map::in_flight`].
    pub fn in_flight(mut self, calls: usize) -> Self {
        self.mapped.most = Some(calls.max(1));
        self
    }
}

impl<'p, 'a, I, R> MapUnordered<'p, I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    /// Each result with the number of its call, counted from 0.
    pub fn indexed(self) -> impl Iterator<Item = (usize, Result<R>)> + use<'p, 'a, I, R> {
        let mut mapped = self.mapped;
        std::iter::from_fn(move || mapped.next(Order::AsTheyCome))
    }
}

impl<'a, I, R> Iterator for Map<'_, I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    type Item = Result<R>;

    fn next(&mut self) -> Option<Result<R>> {
        self.mapped.next(Order::OfCalls).map(|(_, result)| result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.mapped.size_hint()
    }
}

impl<'a, I, R> Iterator for MapUnordered<'_, I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    type Item = Result<R>;

    fn next(&mut self) -> Option<Result<R>> {
        self.mapped.next(Order::AsTheyCome).map(|(_, result)| result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.mapped.size_hint()
    }
}

impl<'a, I, R> ExactSizeIterator for Map<'_, I, R>
where
    I: ExactSizeIterator<Item = Call<'a, R>>,
    R: 'static,
{
}

impl<'a, I, R> ExactSizeIterator for MapUnordered<'_, I, R>
where
    I: ExactSizeIterator<Item = Call<'a, R>>,
    R: 'static,
{
}

impl<'a, I: Iterator<Item = Call<'a, R>>, R: 'static> FusedIterator for Map<'_, I, R> {}

impl<'a, I: Iterator<Item = Call<'a, R>>, R: 'static> FusedIterator for MapUnordered<'_, I, R> {}

impl<I: Iterator, R: 'static> fmt::Debug for Map<'_, I, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("in_flight", &self.mapped.line.flight.len()).finish_non_exhaustive()
    }
}

impl<I: Iterator, R: 'static> fmt::Debug for MapUnordered<'_, I, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapUnordered")
            .field("in_flight", &self.mapped.line.flight.len())
            .finish_non_exhaustive()
    }
}

/// What both are made of.
pub(super) struct Mapped<'p, I: Iterator, R> {
    pub(super) on: On<'p>,
    pub(super) line: Line<I, R>,
    /// How many calls are under way at most.
    pub(super) most: Option<usize>,
}

/// Calls to be sent, and those that were.
pub(super) struct Line<I: Iterator, R> {
    pub(super) calls: Fuse<I>,
    /// One that found no slot.
    pub(super) held: Option<I::Item>,
    pub(super) flight: Flight<R>,
    /// Whether the last call was there as soon as it was asked for.
    pub(super) quick: bool,
}

impl<'p, 'a, I, R> Mapped<'p, I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    fn new(on: On<'p>, calls: I) -> Self {
        let line = Line { calls: calls.fuse(), held: None, flight: Flight::new(), quick: true };
        Mapped { on, line, most: None }
    }

    /// The next result in this order, with its call's number.
    fn next(&mut self, order: Order) -> Option<(usize, Result<R>)> {
        let line = &mut self.line;
        let pool = match self.on.pool() {
            Ok(pool) => pool,
            Err(error) => {
                let _ = line.ask(0)?;
                line.flight.fail(error);
                return line.flight.take(0, false).map(|(number, result, _)| (number, result));
            }
        };
        if let Place::Here { .. } = pool.engine.place() {
            let call = line.ask(0)?;
            line.flight.send(pool, call, None);
            return line.flight.take(0, false).map(|(number, result, _)| (number, result));
        }
        let most = self.most.unwrap_or_else(|| pool.in_flight());
        // One for one, in the slot of the result. The user's code runs before that is taken.
        line.send_ahead(pool, most, order);
        let call = line.ask(most);
        let at = order.wait(&mut line.flight)?;
        let (number, result, slot) = line.flight.take(at, call.is_some())?;
        if let Some(call) = call {
            line.held = line.flight.send(pool, call, slot);
        }
        Some((number, result))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.line.calls.size_hint();
        let under_way = self.line.flight.len() + usize::from(self.line.held.is_some());
        (least.saturating_add(under_way), most.and_then(|most| most.checked_add(under_way)))
    }
}

impl<'a, I, R> Line<I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    /// Sends calls until enough are under way, the wanted result is there, or there is no slot.
    ///
    /// With the result there at once, one more all the same, so that there are enough when it is the caller that
    /// is slow. But no one is kept waiting for calls that are slow to come.
    fn send_ahead(&mut self, pool: &Pool, most: usize, order: Order) {
        while self.flight.len() < most {
            let there = order.find(&self.flight).is_some();
            if there && !self.quick {
                return;
            }
            let Some(call) = self.ask(most) else { return };
            self.held = self.flight.send(pool, call, None);
            if there || self.held.is_some() {
                return;
            }
        }
    }

    /// The next call; notes whether it was slow to come, as long as that matters.
    fn ask(&mut self, most: usize) -> Option<Call<'a, R>> {
        if self.held.is_some() {
            return self.held.take();
        }
        if self.flight.len() >= most {
            return self.calls.next();
        }
        let since = Instant::now();
        let call = self.calls.next();
        self.quick = since.elapsed() <= QUICK;
        call
    }
}

/// Which result comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The oldest call's.
    OfCalls,
    /// That of any that is finished.
    AsTheyCome,
}

impl Order {
    /// The wanted one of those under way, if it is finished.
    pub(super) fn find<R: 'static>(self, flight: &Flight<R>) -> Option<usize> {
        match self {
            Order::OfCalls => flight.is_finished(0).then_some(0),
            Order::AsTheyCome => flight.first_finished(),
        }
    }

    /// The wanted one, once it is finished; `None` if nothing is under way.
    fn wait<R: 'static>(self, flight: &mut Flight<R>) -> Option<usize> {
        if flight.len() == 0 {
            return None;
        }
        match self {
            Order::OfCalls => {
                flight.wait_for_first();
                Some(0)
            }
            Order::AsTheyCome => flight.wait_for_any(),
        }
    }
}
