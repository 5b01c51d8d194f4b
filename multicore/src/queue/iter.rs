//! All items of a queue, and its end.

use super::error::PopError;
use super::{Item, Queue};
use crate::error::Result;

/// The items of a queue, as they come; ends when the queue is closed and nothing is left in it.
///
/// Made by [`Queue::iter`].
#[derive(Debug)]
pub struct Iter<'q, T> {
    pub(super) queue: &'q Queue<T>,
}

impl<T: Item> Iterator for Iter<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        match self.queue.pop() {
            Ok(item) => Some(Ok(item)),
            Err(PopError::Closed) => None,
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl<'q, T: Item> IntoIterator for &'q Queue<T> {
    type Item = Result<T>;
    type IntoIter = Iter<'q, T>;

    fn into_iter(self) -> Iter<'q, T> {
        self.iter()
    }
}

/// Closes a queue when it is dropped. A process that is killed drops nothing.
///
/// Made by [`Queue::close_on_drop`].
#[derive(Debug)]
#[must_use = "it closes the queue as soon as it is dropped"]
pub struct CloseOnDrop<T> {
    pub(super) queue: Queue<T>,
}

impl<T> Drop for CloseOnDrop<T> {
    fn drop(&mut self) {
        self.queue.close();
    }
}
