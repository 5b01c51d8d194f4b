//! `#[multicore::forked]` and `#[multicore::threaded]`: a function's body, apart from its caller.

use std::thread::JoinHandle;
#[cfg(processes)]
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
#[cfg(processes)]
use crate::fork::{Fork, Forked};

/// What can come back from a forked child.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a forked function: it cannot be sent back from the child process",
    label = "cannot be serialized and deserialized, or borrows",
    note = "results are owned and implement `serde::Serialize` and `serde::de::DeserializeOwned`: write `#[derive(serde::Serialize, serde::Deserialize)]` on your own types, and return data in place of a handle, pointer or closure"
)]
pub trait ForkedResult: Serialize + DeserializeOwned + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> ForkedResult for T {}

/// Runs `body` in a child that is forked now.
///
/// # Errors
/// As [`Fork::spawn`].
#[cfg(processes)]
pub fn forked<R: ForkedResult, F: FnOnce() -> R>(
    name: &'static str,
    title: &'static str,
    timeout: Option<Duration>,
    body: F,
) -> Result<Forked<R>> {
    let fork = timeout.map_or(Fork::new(), |timeout| Fork::new().timeout(timeout));
    fork.start(name.to_owned(), title, body)
}

/// What can go to another thread for good.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a threaded function: it cannot be sent to another thread",
    label = "not `Send`",
    note = "pass data that the thread can own: `Arc` in place of `Rc`, `Arc<Mutex<T>>` in place of `Rc<RefCell<T>>`"
)]
pub trait ThreadArgument: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> ThreadArgument for T {}

/// What a thread can leave.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a threaded function: it cannot be sent back from another thread",
    label = "not `Send`",
    note = "return data that the joining thread can own: `Arc` in place of `Rc`"
)]
pub trait ThreadResult: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> ThreadResult for T {}

/// An argument on its way to a thread.
///
/// It can be sent whatever it is, so that an argument which cannot is one error, at that argument's type.
pub struct Moved<T>(T);

#[allow(unsafe_code, reason = "the one promise of this file")]
// SAFETY: `moved` alone makes one, and asks for `T: Send`.
unsafe impl<T> Send for Moved<T> {}

/// Takes an argument along.
pub fn moved<T: ThreadArgument>(argument: T) -> Moved<T> {
    Moved(argument)
}

impl<T> Moved<T> {
    /// The argument, where it is used.
    pub fn here(self) -> T {
        self.0
    }
}

/// Runs `body` in a thread of its own.
///
/// # Errors
/// `Os` when the system has no thread to give.
pub fn threaded<R: ThreadResult, F: FnOnce() -> R + Send + 'static>(
    name: &'static str,
    body: F,
) -> Result<JoinHandle<R>> {
    crate::thread::start(name, body)
}
