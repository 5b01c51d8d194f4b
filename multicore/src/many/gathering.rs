//! A group of calls as a future.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::{Error, Result};
use crate::many::task::Task;

/// The results of a [`Task`] that is awaited: `task.await` is [`task.get()`](Task::get) on any executor. See
/// [`Handle`](crate::Handle#impl-Future-for-Handle<R>).
///
/// Dropping it throws the results away; its calls still run.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Gathering<'p, R> {
    /// `None` once it was ready.
    task: Option<Task<'p, R>>,
    /// The calls under way that are not known to have settled are the first ones; so many.
    unsettled: usize,
}

/// Settles every call, then gives all results in order, or the first error in order.
impl<'p, R: 'static> IntoFuture for Task<'p, R> {
    type Output = Result<Vec<R>>;
    type IntoFuture = Gathering<'p, R>;

    fn into_future(self) -> Gathering<'p, R> {
        let unsettled = self.calls.under_way();
        Gathering { task: Some(self), unsettled }
    }
}

impl<R: 'static> Future for Gathering<'_, R> {
    type Output = Result<Vec<R>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let gathering = &mut *self;
        let Some(task) = &mut gathering.task else { return Poll::Ready(Err(Error::Closed)) };
        match task.calls.wake_when_settled(&mut gathering.unsettled, context.waker()) {
            Ok(false) => Poll::Pending,
            Ok(true) => Poll::Ready(gathering.task.take().map_or(Err(Error::Closed), Task::get)),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

/// Nothing in it is ever pinned.
impl<R> Unpin for Gathering<'_, R> {}

impl<R> Drop for Gathering<'_, R> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.calls.stop_awaiting(self.unsettled);
        }
    }
}

impl<R> fmt::Debug for Gathering<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering").field("unsettled", &self.unsettled).finish_non_exhaustive()
    }
}
