//! A function's own thread: what `#[multicore::threaded]` expands to.

use std::thread::{Builder, JoinHandle};

use crate::error::{Error, Result};

/// Starts a thread of this name.
///
/// # Errors
/// `Os` when the system has no thread to give.
pub(crate) fn start<R, F>(name: &str, body: F) -> Result<JoinHandle<R>>
where
    R: Send + 'static,
    F: FnOnce() -> R + Send + 'static,
{
    Builder::new().name(name.to_owned()).spawn(body).map_err(|error| Error::os("pthread_create", error))
}
