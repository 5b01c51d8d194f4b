//! Results in the order in which they come.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::handle::Handle;
use crate::many::any::wait_for_any;

/// Gives each handle's result, with the handle's place, as soon as it is there.
///
/// Waiting for the next one is bounded by the life of the calls, as in [`Handle::get`]; an error is its own
/// call's alone. Dropping the iterator detaches what is still under way, as dropping handles does.
///
/// ```
/// #[multicore::task]
/// fn square(n: u64) -> u64 { n * n }
///
/// let handles: Vec<_> = (0..4).map(|n| square::call(n).spawn()).collect::<Result<_, _>>()?;
/// for (n, result) in multicore::as_completed(handles) {
///     assert_eq!(result?, (n * n) as u64);
/// }
/// # Ok::<(), multicore::Error>(())
/// ```
///
/// The function of Python's `concurrent.futures`.
pub fn as_completed<R, H>(handles: H) -> AsCompleted<R>
where
    R: 'static,
    H: IntoIterator<Item = Handle<R>>,
{
    AsCompleted { pending: handles.into_iter().enumerate().collect(), finished: VecDeque::new() }
}

/// The results of [`as_completed`].
#[must_use = "results come as they are asked for; dropping this detaches the calls"]
pub struct AsCompleted<R> {
    pending: Vec<(usize, Handle<R>)>,
    /// Those that were found together and are not asked for yet.
    finished: VecDeque<(usize, Handle<R>)>,
}

/// The time was up, and no further result was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was up before another call had finished")
    }
}

impl std::error::Error for Elapsed {}

impl<R: 'static> AsCompleted<R> {
    /// The next result, if one comes within this time; `Ok(None)` once all have come. The calls go on.
    ///
    /// # Errors
    /// [`Elapsed`] when the time is up; later ones can still be asked for.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<(usize, Result<R>)>, Elapsed> {
        self.next_until(Instant::now().checked_add(timeout))
    }

    /// The handles whose results were not given, with their places.
    pub fn into_pending(self) -> Vec<(usize, Handle<R>)> {
        self.finished.into_iter().chain(self.pending).collect()
    }

    fn next_until(&mut self, until: Option<Instant>) -> Result<Option<(usize, Result<R>)>, Elapsed> {
        if self.finished.is_empty() && !self.pending.is_empty() {
            if !wait_for_any(&self.pending, until) {
                return Err(Elapsed);
            }
            self.finished.extend(self.pending.extract_if(.., |(_, handle)| handle.is_finished()));
        }
        Ok(self.finished.pop_front().map(|(at, handle)| (at, handle.get())))
    }
}

impl<R: 'static> Iterator for AsCompleted<R> {
    type Item = (usize, Result<R>);

    fn next(&mut self) -> Option<Self::Item> {
        // Without a moment no time is ever up.
        self.next_until(None).ok().flatten()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.pending.len() + self.finished.len();
        (left, Some(left))
    }
}

impl<R: 'static> ExactSizeIterator for AsCompleted<R> {}

impl<R: 'static> FusedIterator for AsCompleted<R> {}

impl<R> fmt::Debug for AsCompleted<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("pending", &(self.pending.len() + self.finished.len()))
            .finish_non_exhaustive()
    }
}
