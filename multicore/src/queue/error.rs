//! Why nothing was put into a queue, or taken out of it.

use std::fmt;

use super::Blocked;
use crate::error::Error;

/// Why an item was not put into a queue; it comes back.
#[non_exhaustive]
pub enum PushError<T> {
    /// Every cell is taken, for as long as it was waited for.
    Full(T),
    /// The queue is closed.
    Closed(T),
    /// The item cannot travel, or the queue cannot be used; the reason is beside it.
    Failed(T, Error),
}

/// Why nothing was taken out of a queue.
#[non_exhaustive]
pub enum PopError {
    /// There is nothing, for as long as it was waited for; or what comes next is still being put in.
    Empty,
    /// The queue is closed, and nothing is left in it.
    Closed,
    /// The item was taken out and cannot be read, or the queue cannot be used.
    Failed(Error),
}

impl<T> PushError<T> {
    /// The item.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            PushError::Full(item) | PushError::Closed(item) | PushError::Failed(item, _) => item,
        }
    }

    pub(super) fn of(why: Blocked, item: T) -> PushError<T> {
        match why {
            Blocked::NotNow => PushError::Full(item),
            Blocked::Closed => PushError::Closed(item),
            Blocked::Broken => PushError::Failed(item, broken()),
            Blocked::Failed(error) => PushError::Failed(item, error),
        }
    }
}

impl From<Blocked> for PopError {
    fn from(why: Blocked) -> PopError {
        match why {
            Blocked::NotNow => PopError::Empty,
            Blocked::Closed => PopError::Closed,
            Blocked::Broken => PopError::Failed(broken()),
            Blocked::Failed(error) => PopError::Failed(error),
        }
    }
}

fn broken() -> Error {
    Error::config("a queue", "its memory makes no sense, because some process wrote over it; make a new one")
}

const FULL: &str = "the queue is full";
const EMPTY: &str = "the queue is empty";
const CLOSED: &str = "the queue is closed";

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PushError::Full(_) => f.write_str(FULL),
            PushError::Closed(_) => f.write_str(CLOSED),
            PushError::Failed(_, error) => error.fmt(f),
        }
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PushError::Full(_) => f.write_str("Full(..)"),
            PushError::Closed(_) => f.write_str("Closed(..)"),
            PushError::Failed(_, error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl<T> std::error::Error for PushError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its text is this one's already.
            PushError::Failed(_, error) => error.source(),
            _ => None,
        }
    }
}

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PopError::Empty => f.write_str(EMPTY),
            PopError::Closed => f.write_str(CLOSED),
            PopError::Failed(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PopError::Empty => f.write_str("Empty"),
            PopError::Closed => f.write_str("Closed"),
            PopError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl std::error::Error for PopError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PopError::Failed(error) => error.source(),
            _ => None,
        }
    }
}

/// For functions that return [`Result`](crate::Result): a full or closed queue is [`Error::Refused`] there.
impl<T> From<PushError<T>> for Error {
    fn from(why: PushError<T>) -> Error {
        match why {
            PushError::Full(_) => Error::refused(FULL),
            PushError::Closed(_) => Error::refused(CLOSED),
            PushError::Failed(_, error) => error,
        }
    }
}

/// For functions that return [`Result`](crate::Result): an empty or closed queue is [`Error::Refused`] there.
impl From<PopError> for Error {
    fn from(why: PopError) -> Error {
        match why {
            PopError::Empty => Error::refused(EMPTY),
            PopError::Closed => Error::refused(CLOSED),
            PopError::Failed(error) => error,
        }
    }
}
