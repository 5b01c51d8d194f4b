//! A bounded queue between processes.

pub(crate) mod channel;
pub(crate) mod error;
pub(crate) mod iter;
mod owner;
mod wait;
mod wire;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::channel::Channel;
use self::error::{PopError, PushError};
use self::iter::{CloseOnDrop, Iter};
use self::wait::Until;
use crate::codec::{self, Codec, Failure};
use crate::error::{Error, Result};
use crate::shared::data::Data;
use crate::shm::space::Shape;
use crate::shm::window::{Payload, WindowWriter};

/// What a value needs to go through a queue.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot go through a queue between processes",
    label = "cannot be serialized and deserialized",
    note = "items implement `serde::Serialize` and `serde::de::DeserializeOwned`: write `#[derive(serde::Serialize, serde::Deserialize)]` on your own types"
)]
pub trait Item: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Item for T {}

/// A bounded queue in shared memory: any number of producers and consumers, in this process and in workers.
///
/// It is an argument of a task like any other, also in a struct of one's own, and cloning it is cheap. Each item
/// goes to one consumer, in the order in which they were put in.
///
/// ```
/// use multicore::{Queue, Task};
///
/// #[multicore::task]
/// fn square(jobs: Queue<u64>, results: &Queue<u64>) -> multicore::Result<(), String> {
///     for n in &jobs {
///         let n = n.map_err(|error| error.to_string())?;
///         results.push(n * n).map_err(|error| error.to_string())?;
///     }
///     Ok(())
/// }
///
/// # fn main() -> multicore::Result<()> {
/// let (jobs, results) = (Queue::new(100)?, Queue::new(100)?);
/// let mut task = Task::new();
/// for _ in 0..2 {
///     task.run(square::call(jobs.clone(), &results))?;
/// }
/// for n in 0..50 {
///     jobs.push(n)?;
/// }
/// jobs.close(); // each worker ends once nothing is left
/// let ended = task.get()?;
/// assert_eq!(ended, [Ok(()), Ok(())]);
/// results.close();
/// let sum: u64 = results.iter().sum::<multicore::Result<u64>>()?;
/// assert_eq!(sum, (0..50).map(|n| n * n).sum());
/// # Ok(())
/// # }
/// ```
///
/// # If a process dies
///
/// Nobody else is harmed: no lock exists that a dead process could hold. What a producer was just putting in is not
/// there. What a consumer was just taking out, before [`pop`](Queue::pop) returned, goes to another consumer that waits,
/// later than its turn; what it had taken out is gone with it. Nothing is delivered twice. Whoever waits sees to all
/// that within a tenth of a second or two.
///
/// A process that is *stopped* (SIGSTOP) within the few instructions that put an item in holds up those behind it
/// until it goes on; one that is stopped while it takes an item out holds up that one, and where the queue is full
/// the producers.
///
/// # When it ends
///
/// A queue is open until somebody calls [`close`](Queue::close). That every producer is gone closes nothing:
/// consumers go on waiting, as they do with Python's `multiprocessing.Queue`; [`close_on_drop`](Queue::close_on_drop) is for
/// that. The memory is gone once no process has the queue any more: not this one, no call that names it and has not
/// settled, and no worker that keeps it. A worker gives it up soon after the last owner here has.
///
/// # Where it cannot go
///
/// It travels from the process that made it, as an argument. A task cannot return it. A queue that a task makes is
/// for that process: its threads, and calls that run inside of it. The workers of a sandboxed pool map nothing:
/// a call with a queue is [`Error::Refused`] there. A fork of this process has it too.
///
/// # Costs
///
/// One descriptor here, one in the supervisor of each pool that it was sent to, and one in each worker that has it. A
/// cell takes 64 bytes, and pages for its item as they are needed: up to 16 KiB of them stay for the next. While
/// nobody waits, an item of up to 16 KiB makes no kernel call. Items are encoded by the default codec, which takes bytes
/// one at a time: for large ones use the crate `serde_bytes`. At most 512 processes can have one queue; to the next
/// it is [`Refused`](crate::Error::Refused).
pub struct Queue<T> {
    data: Arc<Data>,
    of: PhantomData<fn(T) -> T>,
}

/// The most bytes of an item, unless it is said.
const LIMIT: usize = 64 << 20;
/// The least that is tried where a limit on the address space or the size of files allows no more.
const LEAST_LIMIT: usize = 64 << 10;
/// The most bytes of address space, unless it is said.
const MOST: usize = 1 << 40;

/// Why bytes did not get into a queue or out of it.
enum Blocked {
    NotNow,
    Closed,
    Broken,
    Failed(Error),
}

impl From<Error> for Blocked {
    fn from(error: Error) -> Blocked {
        Blocked::Failed(error)
    }
}

impl<T: Item> Queue<T> {
    /// A queue for up to `capacity` items of up to 64 MiB each.
    ///
    /// What an item may have is address space, and no memory, until it is there. It is less where the address
    /// space or the size of files is limited, and where there are more than 16,384 cells.
    ///
    /// # Errors
    /// `Config` when the capacity is 0; `Os`: no memory, no descriptor left, or a limit on the size of files or of
    /// the address space.
    pub fn new(capacity: usize) -> Result<Queue<T>> {
        let mut limit = LIMIT.min(MOST / capacity.max(1)).max(LEAST_LIMIT);
        loop {
            match Queue::with_limit(capacity, limit) {
                Err(Error::Os { call: "mmap" | "ftruncate", .. }) if limit > LEAST_LIMIT => limit /= 2,
                made => return made,
            }
        }
    }

    /// A queue for up to `capacity` items of up to so many encoded bytes each.
    ///
    /// # Errors
    /// As [`new`](Queue::new).
    pub fn with_limit(capacity: usize, bytes: usize) -> Result<Queue<T>> {
        if capacity == 0 {
            return Err(Error::config("the capacity of a queue", "0 items are no queue; 1 is the least"));
        }
        Ok(Queue { data: Data::queue(Shape { capacity, limit: bytes })?, of: PhantomData })
    }

    /// Puts an item in; waits while the queue is full.
    ///
    /// # Errors
    /// `Closed`; `Failed` when the item cannot be encoded, is larger than the limit (`TooLarge`), or the machine has no
    /// memory for it. The item comes back.
    ///
    /// # Panics
    /// When the item's `Serialize` does; the queue is as it was.
    pub fn push(&self, item: T) -> Result<(), PushError<T>> {
        self.push_until(item, Until::Ever)
    }

    /// Puts an item in if there is room now.
    ///
    /// # Errors
    /// `Full`, and as [`push`](Queue::push).
    pub fn try_push(&self, item: T) -> Result<(), PushError<T>> {
        self.push_until(item, Until::Now)
    }

    /// Puts an item in; waits for room for so long.
    ///
    /// # Errors
    /// `Full`, and as [`push`](Queue::push).
    pub fn push_timeout(&self, item: T, timeout: Duration) -> Result<(), PushError<T>> {
        self.push_until(item, Until::after(timeout))
    }

    fn push_until(&self, item: T, until: Until) -> Result<(), PushError<T>> {
        let encoded = match self.encode(&item) {
            Ok(encoded) => encoded,
            Err(failure) => return Err(PushError::Failed(item, of_item(failure))),
        };
        self.channel().push(&encoded, until).map_err(|why| PushError::of(why, item))
    }

    fn encode(&self, item: &T) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let mut out = WindowWriter::new(&mut bytes, self.channel().shape().limit);
        codec::encode(Codec::Bincode, item, &mut out)?;
        let len = out.needed();
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Takes the next item out; waits until there is one.
    ///
    /// # Errors
    /// `Closed` when the queue is closed and nothing is left; `Failed` when the item cannot be decoded, or there is no memory
    /// for a copy of it: then it is lost.
    ///
    /// # Panics
    /// When the item's `Deserialize` does; the item is lost.
    pub fn pop(&self) -> Result<T, PopError> {
        self.pop_until(Until::Ever)
    }

    /// Takes the next item out if there is one now.
    ///
    /// # Errors
    /// `Empty`, and as [`pop`](Queue::pop).
    pub fn try_pop(&self) -> Result<T, PopError> {
        self.pop_until(Until::Now)
    }

    /// Takes the next item out; waits for one for so long.
    ///
    /// # Errors
    /// `Empty`, and as [`pop`](Queue::pop).
    pub fn pop_timeout(&self, timeout: Duration) -> Result<T, PopError> {
        self.pop_until(Until::after(timeout))
    }

    fn pop_until(&self, until: Until) -> Result<T, PopError> {
        let bytes = self.channel().pop(until)?;
        let item = codec::decode_whole(Codec::Bincode, Payload::of(&bytes));
        item.map_err(|failure| PopError::Failed(of_item(failure)))
    }

    /// The items as they come, until the queue is closed and nothing is left. An item that cannot be decoded is an
    /// `Err`, and the next one follows it.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { queue: self }
    }
}

impl<T> Queue<T> {
    fn channel(&self) -> &Channel {
        self.data.channel().expect("made of a queue's data alone")
    }

    /// Has the queue accept nothing more, in any process, and wakes everybody who waits: producers get `Closed`, consumers
    /// what is left and then `Closed`. Closing again does nothing.
    pub fn close(&self) {
        self.channel().close();
    }

    /// Something that closes the queue when it is dropped, also by a panic.
    pub fn close_on_drop(&self) -> CloseOnDrop<T> {
        CloseOnDrop { queue: self.clone() }
    }

    /// Whether the queue is closed; there may be items left.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.channel().is_closed()
    }

    /// How many items there are, those that are just being put in among them; others may change it meanwhile.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channel().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items there can be.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.channel().shape().capacity
    }

    /// The most bytes that an item may have when it is encoded.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.channel().shape().limit
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue { data: self.data.clone(), of: PhantomData }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

fn of_item(failure: Failure) -> Error {
    match failure {
        Failure::TooLarge { need, limit } => Error::TooLarge { need, limit },
        Failure::Os(source) => Error::os("fallocate", source),
        Failure::Encode(_) | Failure::Decode(_) => Error::config("an item of a queue", failure.to_string()),
    }
}

#[cfg(test)]
mod test;
