//! Handles joined: all of them, those that finish in time, the first.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::handle::Handle;
use crate::many::any::wait_for_any;

/// Waits for every call; what became of each, in order.
///
/// ```
/// #[multicore::task]
/// fn square(n: u64) -> u64 { n * n }
///
/// let handles: Vec<_> = (0..4).map(|n| square::call(n).spawn()).collect::<Result<_, _>>()?;
/// let squares: Vec<u64> = multicore::join_all(handles).into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(squares, [0, 1, 4, 9]);
/// # Ok::<(), multicore::Error>(())
/// ```
pub fn join_all<R, H>(handles: H) -> Vec<Result<R>>
where
    R: 'static,
    H: IntoIterator<Item = Handle<R>>,
{
    let handles: Vec<_> = handles.into_iter().collect();
    wait_for_all(handles.iter(), None);
    handles.into_iter().map(Handle::get).collect()
}

/// Waits for every call at most this long; what finished, and the handles of what did not. Those calls go on.
///
/// ```
/// use std::time::Duration;
///
/// #[multicore::task]
/// fn nap(milliseconds: u64) -> u64 {
///     std::thread::sleep(Duration::from_millis(milliseconds));
///     milliseconds
/// }
///
/// let handles = vec![nap::call(0).spawn()?, nap::call(60_000).spawn()?];
/// let joined = multicore::join_all_timeout(handles, Duration::from_secs(2));
/// assert!(matches!(joined.finished[..], [(0, Ok(0))]));
/// for (_, handle) in joined.pending {
///     handle.cancel();
/// }
/// # Ok::<(), multicore::Error>(())
/// ```
///
/// gevent's `joinall(jobs, timeout=2)`, and `concurrent.futures.wait` of Python.
pub fn join_all_timeout<R, H>(handles: H, timeout: Duration) -> Joined<R>
where
    R: 'static,
    H: IntoIterator<Item = Handle<R>>,
{
    let handles: Vec<_> = handles.into_iter().collect();
    wait_for_all(handles.iter(), Instant::now().checked_add(timeout));
    let mut joined = Joined { finished: Vec::new(), pending: Vec::new() };
    for (at, handle) in handles.into_iter().enumerate() {
        if handle.is_finished() {
            joined.finished.push((at, handle.get()));
        } else {
            joined.pending.push((at, handle));
        }
    }
    joined
}

/// What [`join_all_timeout`] gives.
#[derive(Debug)]
pub struct Joined<R> {
    /// The results of the calls that finished, with their handles' places, in order.
    pub finished: Vec<(usize, Result<R>)>,
    /// The handles of the calls that did not, likewise.
    pub pending: Vec<(usize, Handle<R>)>,
}

/// Waits for the call that finishes first; its result, and the other handles. `None` where there is no handle.
///
/// The others go on. To end them as soon as one has finished, [`cancel`](Handle::cancel) them.
///
/// ```
/// # #[multicore::task]
/// # fn square(n: u64) -> u64 { n * n }
/// let handles = vec![square::call(3).spawn()?, square::call(4).spawn()?];
/// let first = multicore::select_first(handles).expect("two handles");
/// assert_eq!(first.result?, [9, 16][first.index]);
/// assert_eq!(first.rest.len(), 1);
/// # Ok::<(), multicore::Error>(())
/// ```
pub fn select_first<R, H>(handles: H) -> Option<Selected<R>>
where
    R: 'static,
    H: IntoIterator<Item = Handle<R>>,
{
    let mut rest: Vec<_> = handles.into_iter().enumerate().collect();
    if rest.is_empty() {
        return None;
    }
    wait_for_any(&rest, None);
    let at = rest.iter().position(|(_, handle)| handle.is_finished())?;
    let (index, handle) = rest.remove(at);
    Some(Selected { index, result: handle.get(), rest })
}

/// What [`select_first`] gives.
#[derive(Debug)]
pub struct Selected<R> {
    /// The place of the handle whose call finished.
    pub index: usize,
    /// What became of that call.
    pub result: Result<R>,
    /// The other handles, with their places.
    pub rest: Vec<(usize, Handle<R>)>,
}

/// Waits until each is finished, or until the moment.
fn wait_for_all<'h, R: 'static>(
    handles: impl DoubleEndedIterator<Item = &'h Handle<R>>,
    until: Option<Instant>,
) {
    // The last one first: once it is there few others are not, and this thread has slept once.
    let _ = handles.rev().all(|handle| handle.wait_until(until));
}
