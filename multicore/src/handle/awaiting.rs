//! Handles as futures, on any executor.
//!
//! A poll never waits: it takes what is there, or leaves its waker with the waker thread
//! (`processes/client/waking.rs`).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::error::Result;
use crate::handle::abort::AbortOnDrop;
use crate::handle::{Handle, Source};

/// Awaits the result, on any executor; nothing blocks it. What comes is what [`get`](Handle::get) gives.
///
/// ```
/// #[multicore::task]
/// fn square(n: u64) -> u64 { n * n }
///
/// # fn main() -> multicore::Result<()> {
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
/// let (three, four) = (square::call(3).spawn()?, square::call(4).spawn()?);
/// assert_eq!(three.await? + four.await?, 25);
/// # Ok(()) })
/// # }
/// ```
///
/// By reference a handle can be awaited as long as one likes, and again later. Dropping the future does not cancel
/// the call, which is detached with its handle; [`AbortOnDrop`] cancels it.
///
/// The first await in the process that has to wait starts a thread, `multicore-waker`, which serves every pool and
/// every executor, sleeps while nothing happens, and ends when nothing was awaited for a second. What is polled is
/// decoded there: a very large result takes its time in the poll. [`spawn`](crate::Call::spawn) may wait for a
/// slot; [`try_spawn`](crate::Call::try_spawn) does not.
///
/// # Errors
/// As [`get`](Handle::get); `Os` also when the thread cannot be started. Polled again after it was ready: `Closed`.
impl<R: 'static> Future for Handle<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        match self.wake_when_finished(context.waker()) {
            Ok(true) => Poll::Ready(self.collect()),
            Ok(false) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

/// Nothing in it is ever pinned.
impl<R> Unpin for Handle<R> {}

impl<R> Handle<R> {
    /// Has `waker` called once the result is there; whether it is there already, so that nobody is called. The
    /// waker of before is forgotten.
    ///
    /// # Errors
    /// `Os` when the waker thread cannot be started.
    pub(crate) fn wake_when_finished(&mut self, waker: &Waker) -> Result<bool> {
        match &mut self.source {
            Source::Pending(pending) => pending.wake_when_settled(waker),
            Source::Here(_) | Source::Taken => Ok(true),
        }
    }
}

/// As the [`Handle`]; dropped before it is ready, it cancels the call.
impl<R: 'static> Future for AbortOnDrop<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        Pin::new(&mut self.0).poll(context)
    }
}
