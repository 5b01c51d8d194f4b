//! What the code of resources asks of the user's functions and types.

use crate::resource::{Resource, ResourceError, ResourceGuard, acquire};

/// What a check, or a function that puts a resource in order, returns.
#[diagnostic::on_unimplemented(
    message = "a resource's `check` or `reset` cannot return `{Self}`",
    label = "neither `bool` nor `Result<(), E>`",
    note = "return whether the value is good: `true`, or `Ok(())`"
)]
pub trait Healthy {
    fn healthy(self) -> bool;
}

#[diagnostic::do_not_recommend]
impl Healthy for bool {
    fn healthy(self) -> bool {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<E> Healthy for Result<(), E> {
    fn healthy(self) -> bool {
        self.is_ok()
    }
}

/// What a closure makes of a value that is lent to it.
pub fn lend<T, R>(value: &mut T, to: impl FnOnce(&mut T) -> R) -> R {
    to(value)
}

/// What a closure makes of a value that is shown to it.
pub fn show<T, R>(value: &T, to: impl FnOnce(&T) -> R) -> R {
    to(value)
}

/// What a closure makes of a value that it is given.
pub fn give<T, R>(value: T, to: impl FnOnce(T) -> R) -> R {
    to(value)
}

/// Whether the value is good.
pub fn healthy<H: Healthy>(health: H) -> bool {
    health.healthy()
}

/// A result type that has both parts, whatever it is called.
#[diagnostic::on_unimplemented(
    message = "a resource's function whose result is called `…Result` returns a `Result`, not `{Self}`",
    label = "not a `Result`",
    note = "return `Result<T, E>`, or a type with another name"
)]
pub trait Makes {
    type Value;
    type Error;
    fn made(self) -> Result<Self::Value, Self::Error>;
}

#[diagnostic::do_not_recommend]
impl<T, E> Makes for Result<T, E> {
    type Value = T;
    type Error = E;

    fn made(self) -> Result<T, E> {
        self
    }
}

/// A resource's value, or its maker's error.
///
/// # Errors
/// The maker's.
///
/// # Panics
/// Where the resource cannot be borrowed, whatever its maker does.
#[track_caller]
pub fn get<R: Resource>() -> Result<ResourceGuard<R::Value>, R::Error> {
    // No closures: in those the panic would have its place here.
    let refusal = match acquire::<R>() {
        Ok(guard) => return Ok(guard),
        Err(ResourceError::Make { source, .. }) => return Err(source),
        Err(ResourceError::Borrowed { name }) => ResourceError::<()>::Borrowed { name },
        Err(ResourceError::Cyclic { name }) => ResourceError::Cyclic { name },
        Err(ResourceError::NotInWorker { name }) => ResourceError::NotInWorker { name },
        Err(ResourceError::Ended { name }) => ResourceError::Ended { name },
    };
    panic!("{refusal}")
}

/// Whether what a function has returned is an `Err`: found by autoderef, as in `route`.
pub struct Seen<'v, T: ?Sized>(pub &'v T);

/// First choice: a `Result`.
pub trait PerhapsFailure {
    fn __multicore_failed(&self) -> bool;
}

impl<T, E> PerhapsFailure for &Seen<'_, Result<T, E>> {
    #[inline]
    fn __multicore_failed(&self) -> bool {
        self.0.is_err()
    }
}

/// Everything else.
pub trait NoFailure {
    fn __multicore_failed(&self) -> bool;
}

impl<T: ?Sized> NoFailure for Seen<'_, T> {
    #[inline]
    fn __multicore_failed(&self) -> bool {
        false
    }
}

#[cfg(feature = "r2d2")]
pub use self::managed::*;

#[cfg(feature = "r2d2")]
mod managed {
    //! A connection manager of `r2d2` as a resource's maker.

    use std::sync::Arc;
    use std::sync::{Mutex, PoisonError};

    pub use r2d2::ManageConnection;

    /// A resource's manager, made once a process, and again where that fails.
    pub struct Manager<M>(Mutex<Option<Arc<M>>>);

    impl<M: ManageConnection> Manager<M> {
        #[allow(clippy::new_without_default, reason = "generated code alone makes one")]
        #[must_use]
        pub const fn new() -> Manager<M> {
            Manager(Mutex::new(None))
        }

        /// # Errors
        /// What makes the manager fails with.
        fn get<E>(&self, make: impl FnOnce() -> Result<M, E>) -> Result<Arc<M>, E> {
            let mut manager = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match &*manager {
                Some(manager) => Ok(manager.clone()),
                None => Ok(manager.insert(Arc::new(make()?)).clone()),
            }
        }

        fn there(&self) -> Option<Arc<M>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }

        /// A new connection.
        ///
        /// # Errors
        /// The manager's, or what making it fails with.
        pub fn connect(&self, make: impl FnOnce() -> Result<M, M::Error>) -> Result<M::Connection, M::Error> {
            self.get(make)?.connect()
        }

        /// Whether the connection answers.
        pub fn is_valid(&self, connection: &mut M::Connection) -> bool {
            self.there().is_some_and(|manager| manager.is_valid(connection).is_ok())
        }

        /// Whether the connection knows that it is of no use any more.
        pub fn has_broken(&self, connection: &mut M::Connection) -> bool {
            self.there().is_some_and(|manager| manager.has_broken(connection))
        }
    }
}
