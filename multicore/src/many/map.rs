//! A parallel map: calls go in as they are wanted, results come out as they are there.

use std::fmt;
use std::iter::FusedIterator;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::error::Result;
use crate::many::completed::Elapsed;
use crate::many::line::{Mapped, Order};
use crate::many::on::On;
use crate::pool::Pool;

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

impl<'a, I: Iterator<Item = Call<'a, R>>, R: 'static> Map<'_, I, R> {
    /// The next result, if it is there within this time; `Ok(None)` once all have come. The calls go on. Time that
    /// the iterator over calls takes, and whoever fills every slot, comes on top.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[multicore::task]
    /// # fn square(n: u64) -> u64 { n * n }
    /// let mut squares = square::map(0..);
    /// let square = squares.next_timeout(Duration::from_secs(60)).expect("in time");
    /// assert_eq!(square.expect("there is no end")?, 0);
    /// # Ok::<(), multicore::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Elapsed`] when the time is up; the result can still be asked for.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Result<R>>, Elapsed> {
        let next = self.mapped.next_until(Order::OfCalls, Instant::now().checked_add(timeout))?;
        Ok(next.map(|(_, result)| result))
    }
}

impl<'a, I: Iterator<Item = Call<'a, R>>, R: 'static> MapUnordered<'_, I, R> {
    /// As [`Map::next_timeout`].
    ///
    /// # Errors
    /// [`Elapsed`] when the time is up.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Result<R>>, Elapsed> {
        let next = self.mapped.next_until(Order::AsTheyCome, Instant::now().checked_add(timeout))?;
        Ok(next.map(|(_, result)| result))
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
