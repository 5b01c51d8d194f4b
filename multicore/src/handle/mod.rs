//! The claim on one call's result.

pub(crate) mod abort;
pub(crate) mod awaiting;
pub(crate) mod borrowed;
pub(crate) mod pending;
pub(crate) mod progress;
pub(crate) mod reading;
#[cfg(processes)]
pub(crate) mod sent;

use std::fmt;
#[cfg(processes)]
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::borrowed::{Borrowed, InPlace};
use crate::handle::pending::{Pending, Venue};
#[cfg(processes)]
use crate::handle::sent::Sent;
use crate::panics;
#[cfg(threads)]
use crate::pool::Pool;
use crate::pool::{Engine, Place, allow_inline, as_worker, default};
#[cfg(processes)]
use crate::processes::client::{Client, NotSent, Ticket, WhenFull};
use crate::registry::Entry;
#[cfg(threads)]
use crate::threads::desk::Room;

/// The claim on one call's result.
///
/// Dropping a handle detaches the call: it runs, and nobody gets its result.
/// [`AbortOnDrop`](crate::AbortOnDrop) cancels it instead.
#[must_use = "dropping a handle throws the result away; the call still runs"]
pub struct Handle<R> {
    source: Source<R>,
    /// `None` for a call that was not sent.
    pub(crate) entry: Option<&'static Entry>,
    /// Dropping it cancels the call.
    pub(crate) abort: bool,
}

enum Source<R> {
    /// The call ran in the thread that spawned it. In a box: it is seldom, and an error is large.
    Here(Box<Result<R>>),
    Pending(Pending<R>),
    Taken,
}

/// Why [`Call::try_spawn`] sent nothing.
pub enum TrySpawnError<'a, R> {
    /// Every slot is queued or running: here is the call again.
    Full(Call<'a, R>),
    /// The call cannot be sent.
    Failed(Error),
}

impl<R> fmt::Display for TrySpawnError<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySpawnError::Full(_) => f.write_str("every slot of the pool is queued or running"),
            TrySpawnError::Failed(error) => error.fmt(f),
        }
    }
}

impl<R> fmt::Debug for TrySpawnError<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySpawnError::Full(call) => f.debug_tuple("Full").field(call).finish(),
            TrySpawnError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl<R> std::error::Error for TrySpawnError<'_, R> {}

impl<R: 'static> Call<'_, R> {
    /// Sends the call to the default pool; waits while every slot is queued or running.
    ///
    /// # Errors
    /// As [`Pool::spawn`](crate::Pool::spawn); and what opening the default pool may give.
    pub fn spawn(self) -> Result<Handle<R>> {
        default::pool()?.spawn(self)
    }

    /// Sends the call to the default pool and waits for its result.
    ///
    /// # Errors
    /// As [`spawn`](Call::spawn) and [`Handle::get`].
    pub fn get(self) -> Result<R> {
        self.spawn()?.get()
    }
}

impl<'a, R: 'static> Call<'a, R> {
    /// Sends the call to the default pool if a slot is free.
    ///
    /// # Errors
    /// `Full` hands the call back; `Failed` has what [`spawn`](Call::spawn) would give.
    pub fn try_spawn(self) -> Result<Handle<R>, TrySpawnError<'a, R>> {
        let pool = default::pool().map_err(TrySpawnError::Failed)?;
        match Handle::send(&pool.engine, self, false) {
            Ok(handle) => Ok(handle),
            Err(NotSpawned::Full(call)) => Err(TrySpawnError::Full(call)),
            Err(NotSpawned::Failed(error)) => Err(TrySpawnError::Failed(error)),
        }
    }
}

/// Why there is no handle.
enum NotSpawned<'a, R> {
    Full(Call<'a, R>),
    Failed(Error),
}

impl<R: 'static> Handle<R> {
    pub(crate) fn spawn(engine: &Engine, call: Call<'_, R>) -> Result<Handle<R>> {
        Handle::send(engine, call, true).map_err(|not_spawned| match not_spawned {
            NotSpawned::Failed(error) => error,
            NotSpawned::Full(call) => Error::refused(format!("no slot for `{}`", call.entry.name())),
        })
    }

    /// Sends a call to where its pool's calls run; `waits` while every slot is queued or running.
    fn send<'a>(engine: &Engine, call: Call<'a, R>, waits: bool) -> Result<Handle<R>, NotSpawned<'a, R>> {
        let entry = call.entry;
        let pending = match engine.place() {
            #[cfg(processes)]
            Place::Workers(client) => {
                let when_full = if waits { WhenFull::Wait } else { WhenFull::SweepAndReturn };
                let sent = Sent::send(client, call, when_full).map_err(|not_sent| match not_sent {
                    NotSent::Full(call) => NotSpawned::Full(call),
                    NotSent::Failed(error) => NotSpawned::Failed(error),
                })?;
                Pending::worker(client.clone(), sent)
            }
            #[cfg(threads)]
            Place::Threads(threads) => {
                allow_inline(threads.asked_for, &call).map_err(NotSpawned::Failed)?;
                match threads.desk.reserve(waits, call.rank.background).map_err(NotSpawned::Failed)? {
                    Some(room) => Pending::Thread(threads.send_in(room, &call).map_err(NotSpawned::Failed)?),
                    None => return Err(NotSpawned::Full(call)),
                }
            }
            Place::Here { asked_for } => {
                let allowed = engine.allow_here().and_then(|()| allow_inline(asked_for, &call));
                allowed.map_err(NotSpawned::Failed)?;
                // Where the variable says so every pool is one without workers.
                return Ok(if asked_for { Handle::here(call) } else { as_worker(|| Handle::here(call)) });
            }
        };
        Ok(Handle::of(pending, entry))
    }

    /// Runs the call in this process, now.
    pub(crate) fn here(call: Call<'_, R>) -> Handle<R> {
        let entry = call.entry;
        let result = panics::caught(|| call.body.run()).map_err(|report| report.into_error(entry.name()));
        Handle { source: Source::Here(Box::new(result)), entry: Some(entry), abort: false }
    }

    /// Of a call that was not sent.
    pub(crate) fn failed(error: Error) -> Handle<R> {
        Handle { source: Source::Here(Box::new(Err(error))), entry: None, abort: false }
    }

    /// Where it is waited for together with others, if it is anywhere.
    pub(crate) fn venue(&self) -> Option<Venue<'_>> {
        match &self.source {
            Source::Pending(pending) => Some(pending.venue()),
            _ => None,
        }
    }

    /// Of a call that was sent off.
    pub(crate) fn of(pending: Pending<R>, entry: &'static Entry) -> Handle<R> {
        Handle { source: Source::Pending(pending), entry: Some(entry), abort: false }
    }

    /// Sends a call off in a slot that was reserved for it.
    #[cfg(processes)]
    pub(crate) fn send_in(client: &Arc<Client>, slot: Ticket, call: &Call<'_, R>) -> Result<Handle<R>> {
        // Reserved a while ago: the pool may have ended, or this be a fork of its client.
        let standing = if client.is_here() { client.check_standing() } else { Err(Error::Closed) };
        standing.inspect_err(|_| client.hand_back(slot))?;
        let sent = Sent::send_in(client, slot, call)?;
        Ok(Handle::of(Pending::worker(client.clone(), sent), call.entry))
    }

    /// Sends a call off where there is room for it on a thread.
    #[cfg(threads)]
    pub(crate) fn send_in_room(pool: &Pool, room: Room, call: Call<'_, R>) -> Result<Handle<R>> {
        match pool.engine.place() {
            Place::Threads(threads) if std::ptr::eq(&*threads.desk, &**room.desk()) => {
                allow_inline(threads.asked_for, &call)?;
                let claim = threads.send_in(room, &call)?;
                Ok(Handle::of(Pending::Thread(claim), call.entry))
            }
            // In a task's own thread by now.
            _ => pool.spawn(call),
        }
    }

    /// Waits for the result.
    ///
    /// If the worker dies: `Died`, within milliseconds. Bounded by the life of the processes it waits
    /// for; a call that loops for ever waits for ever, unless it has a timeout.
    ///
    /// # Errors
    /// Whatever became of the call: `Panicked`, `Died`, `TimedOut`, `Cancelled`, `Encode`, `Decode`, `TooLarge`,
    /// `UnknownTask`, `Closed`, `Registry`, `RestartLimit`, `Os`.
    pub fn get(mut self) -> Result<R> {
        self.wait_until(None);
        self.collect()
    }

    /// As [`get`](Handle::get), but leaves the result where its worker wrote it: a large one costs no copy and
    /// no new memory. [`Borrowed`] says what that means.
    ///
    /// Results in other forms than their own bytes (the codec `json`), small ones, those beyond half of the
    /// pool's slots, and those whose slot another call needed before this was called are copied.
    ///
    /// # Errors
    /// As [`get`](Handle::get).
    pub fn get_ref(mut self) -> Result<Borrowed<R>>
    where
        R: InPlace,
    {
        self.wait_until(None);
        match std::mem::replace(&mut self.source, Source::Taken) {
            Source::Here(result) => (*result).map(Borrowed::from),
            Source::Pending(pending) => pending.borrow(),
            Source::Taken => Err(Error::Closed),
        }
    }

    /// Waits for the result at most this long; the handle comes back when the time is up. The call
    /// goes on.
    ///
    /// # Errors
    /// The handle itself; within `Ok`, as [`get`](Handle::get).
    pub fn get_timeout(mut self, timeout: Duration) -> Result<Result<R>, Handle<R>> {
        let until = Instant::now().checked_add(timeout);
        if self.wait_until(until) { Ok(self.collect()) } else { Err(self) }
    }

    /// Whether the result is there, so that [`get`](Handle::get) would not wait.
    pub fn is_finished(&self) -> bool {
        match &self.source {
            Source::Pending(pending) => pending.is_settled_or_looked_after(),
            _ => true,
        }
    }

    /// Ends the call: one that is queued is dropped, one that runs has its worker ended as by a deadline
    /// (SIGTERM, then SIGKILL after [`Config::grace`](crate::Config::grace)). Returns at once;
    /// [`get`](Handle::get) gives [`Error::Cancelled`], or the result if the call was finished first.
    ///
    /// On a thread ([`Pool::threads`](crate::Pool)) a call that runs is not ended, because no thread can be: its
    /// function sees [`cancelled`](crate::cancelled()), and once it returns, whatever it returns, the call is
    /// `Cancelled`. A call that ran in the thread that spawned it is finished already.
    pub fn cancel(&self) {
        if let Source::Pending(pending) = &self.source {
            pending.cancel();
        }
    }

    /// Waits until the moment, `None` for ever; whether the result is there.
    pub(crate) fn wait_until(&self, until: Option<Instant>) -> bool {
        match &self.source {
            Source::Pending(pending) => pending.wait(until),
            _ => true,
        }
    }

    /// The result of a call that ran in this process.
    pub(crate) fn into_result(self) -> Option<Result<R>> {
        self.into_parts().err()
    }

    /// The call, which nobody forgets from now on; or the result of one that ran in this process.
    pub(crate) fn into_parts(mut self) -> Result<Pending<R>, Result<R>> {
        match std::mem::replace(&mut self.source, Source::Taken) {
            Source::Here(result) => Err(*result),
            Source::Pending(pending) => {
                pending.stop_awaiting();
                Ok(pending)
            }
            Source::Taken => Err(Err(Error::Closed)),
        }
    }

    /// The call's slot, if it was sent to a worker process.
    #[cfg(all(feature = "stream", processes))]
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        match &self.source {
            Source::Pending(Pending::Worker { sent, .. }) => Some(sent.ticket),
            _ => None,
        }
    }

    fn collect(&mut self) -> Result<R> {
        match std::mem::replace(&mut self.source, Source::Taken) {
            Source::Here(result) => *result,
            Source::Pending(pending) => pending.collect(),
            Source::Taken => Err(Error::Closed),
        }
    }
}

impl<R> Drop for Handle<R> {
    fn drop(&mut self) {
        if let Source::Pending(pending) = &self.source {
            pending.stop_awaiting();
            if self.abort {
                pending.cancel();
            }
            pending.forget();
        }
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Handle");
        if let Source::Pending(pending) = &self.source {
            debug.field("task", &pending.task()).field("finished", &pending.is_settled());
        }
        debug.finish_non_exhaustive()
    }
}
