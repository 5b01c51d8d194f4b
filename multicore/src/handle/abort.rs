//! A handle whose call ends with it.

use std::time::Duration;

use crate::error::Result;
use crate::handle::Handle;

/// A [`Handle`] that cancels its call when it is dropped, for work that nobody wants once its caller is
/// gone.
///
/// ```
/// use multicore::AbortOnDrop;
///
/// #[multicore::task]
/// fn square(n: u64) -> u64 { n * n }
///
/// let handle = AbortOnDrop::new(square::call(3).spawn()?);
/// assert_eq!(handle.get()?, 9);
/// # Ok::<(), multicore::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping this cancels the call at once"]
pub struct AbortOnDrop<R>(pub(super) Handle<R>);

impl<R: 'static> AbortOnDrop<R> {
    /// Cancels the handle's call when this is dropped.
    pub fn new(mut handle: Handle<R>) -> Self {
        handle.abort = true;
        AbortOnDrop(handle)
    }

    /// As [`Handle::get`].
    ///
    /// # Errors
    /// As [`Handle::get`].
    pub fn get(self) -> Result<R> {
        self.0.get()
    }

    /// As [`Handle::get_timeout`]; this comes back when the time is up.
    ///
    /// # Errors
    /// This itself; within `Ok`, as [`Handle::get`].
    pub fn get_timeout(self, timeout: Duration) -> Result<Result<R>, Self> {
        self.0.get_timeout(timeout).map_err(AbortOnDrop)
    }

    /// As [`Handle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// As [`Handle::cancel`].
    pub fn cancel(&self) {
        self.0.cancel();
    }

    pub(crate) fn handle(&self) -> &Handle<R> {
        &self.0
    }

    /// The handle, which detaches its call again when it is dropped.
    pub fn into_handle(mut self) -> Handle<R> {
        self.0.abort = false;
        self.0
    }
}
