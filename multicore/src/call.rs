//! A call: a task function with its arguments, ready to be run.

use std::fmt;
use std::time::Duration;

use crate::codec::{Codec, Failure};
use crate::error::Error;
use crate::registry::Entry;
use crate::shared::travel::Borrowed;
use crate::shm::window::{Payload, WindowWriter};
use crate::shm::word::Rank;

/// A task function as a type: what `#[multicore::task]` puts beside the function, under its name.
///
/// Implemented by the attribute alone. It lets code that is generic over tasks name them.
pub trait TaskFn: Sized + 'static {
    /// What a call gives back.
    type Output;

    #[doc(hidden)]
    fn entry() -> &'static Entry;

    /// The task's name: its path, or what `#[task(name = "…")]` pinned.
    #[must_use]
    fn name() -> &'static str {
        Self::entry().name()
    }

    /// The task's stable ID.
    #[must_use]
    fn id() -> u64 {
        Self::entry().id()
    }

    /// The argument types and the result type, as written.
    #[must_use]
    fn signature() -> &'static str {
        Self::entry().signature
    }
}

/// One invocation of a task function with its arguments; it runs once it is spawned.
///
/// Made by the `call` function that `#[multicore::task]` adds to a task function's name:
/// `render::call(0, 10)`. Arguments that the function takes by reference are borrowed until then.
#[must_use = "a call does nothing until it is spawned"]
pub struct Call<'a, R> {
    pub(crate) entry: &'static Entry,
    pub(crate) body: Box<dyn Body<R> + 'a>,
    pub(crate) decode: fn(Reply<'_>) -> Result<R, Failure>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: u32,
    pub(crate) isolate: bool,
    pub(crate) codec: Codec,
    pub(crate) rank: Rank,
}

impl<'a, R> Call<'a, R> {
    pub(crate) fn new(
        entry: &'static Entry,
        body: Box<dyn Body<R> + 'a>,
        decode: fn(Reply<'_>) -> Result<R, Failure>,
    ) -> Self {
        Call {
            entry,
            body,
            decode,
            timeout: entry.timeout,
            retries: entry.retries,
            isolate: entry.isolate,
            codec: entry.codec,
            rank: Rank::default(),
        }
    }

    /// Ends the worker when the function runs longer than this, counted from the call's start, in place
    /// of the task's own timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Runs the call again, up to this often, when its worker dies or its time is up.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Never runs the call in this process, whatever the load: it is
    /// [`Error::Refused`](crate::Error::Refused) where it would have to.
    pub fn isolate(mut self) -> Self {
        self.isolate = true;
        self
    }

    /// Puts the call before those of a lower priority that are still queued, and behind those of a higher one:
    /// from -7 to 7, and 0 where nothing is said.
    ///
    /// Within one priority calls are begun in about the order of arrival. A call that has begun goes on, whatever
    /// comes; and one of a low priority waits for as long as others come before it. Where calls run in
    /// the thread that makes them none is queued, and all priorities are alike.
    ///
    /// Any other number is an [`Error::Config`](crate::Error::Config) when the call is spawned.
    pub fn priority(mut self, priority: i8) -> Self {
        self.rank.level = priority;
        self
    }

    /// Sends the arguments and the result by `codec` in place of the task's own.
    ///
    /// [`Codec::Raw`] on a task that does not have exactly one argument and one result of bytes,
    /// text or plain numbers is an [`Error::Encode`](crate::Error::Encode) when the call is spawned.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// The task's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.entry.name()
    }

    /// # Errors
    /// `Config` for a priority that there is not.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Error> {
        if Rank::LEVELS.contains(&self.rank.level) {
            return Ok(());
        }
        let (least, most) = (Rank::LEVELS.start(), Rank::LEVELS.end());
        Err(Error::config("priority", format!("{} is not within {least} to {most}", self.rank.level)))
    }
}

impl<R> fmt::Debug for Call<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("task", &self.entry.name())
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .field("isolate", &self.isolate)
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

/// The half of a call that knows the arguments' types.
pub(crate) trait Body<R> {
    /// Writes the arguments; may be asked again, for a retry or a larger window.
    fn encode(&self, codec: Codec, out: &mut WindowWriter<'_>) -> Result<(), Failure>;

    /// Runs the function right here.
    fn run(self: Box<Self>) -> R;
}

/// The arguments with the two functions that generated code has for them.
///
/// The functions are generic, not pointers, so that a call is one allocation of the arguments' size.
pub(crate) struct Arguments<A, E, F> {
    pub(crate) arguments: A,
    pub(crate) encode: E,
    pub(crate) run: F,
}

impl<A, E, F, R> Body<R> for Arguments<A, E, F>
where
    E: Fn(&A, &mut Encoder<'_, '_>) -> Result<(), Failure>,
    F: FnOnce(A) -> R,
{
    fn encode(&self, codec: Codec, out: &mut WindowWriter<'_>) -> Result<(), Failure> {
        (self.encode)(&self.arguments, &mut Encoder { codec, out })
    }

    fn run(self: Box<Self>) -> R {
        let Arguments { arguments, run, .. } = *self;
        run(arguments)
    }
}

/// Where generated code writes arguments; it cannot look inside.
#[doc(hidden)]
pub struct Encoder<'b, 'w> {
    pub(crate) codec: Codec,
    pub(crate) out: &'b mut WindowWriter<'w>,
}

/// What generated code decodes a result from; it cannot look inside.
#[doc(hidden)]
pub struct Reply<'p> {
    pub(crate) codec: Codec,
    pub(crate) payload: Payload<'p>,
}

/// What a worker hands to a task function's entry: encoded arguments and room for the result.
#[doc(hidden)]
pub struct Invocation<'a, 'b, 'w> {
    /// Starts at a multiple of 16, so that plain-old-data can be borrowed where it lies.
    pub(crate) arguments: &'a [u8],
    pub(crate) codec: Codec,
    /// What it borrows of shared data.
    pub(crate) shared: &'a Borrowed,
    pub(crate) results: &'b mut WindowWriter<'w>,
}

impl Invocation<'_, '_, '_> {
    /// Has `bytes` be the result where they lie, if that is within the arguments; whether they are.
    pub(crate) fn refers_to(&mut self, bytes: &[u8]) -> bool {
        let start = bytes.as_ptr().addr().checked_sub(self.arguments.as_ptr().addr());
        start.is_some_and(|start| {
            let within = start.saturating_add(bytes.len()) <= self.arguments.len();
            within && self.results.refer(start, bytes.len())
        })
    }
}

#[cfg(test)]
// Inside this crate the macros' unsafe attribute is not another crate's.
#[allow(unsafe_code)]
mod tests;
