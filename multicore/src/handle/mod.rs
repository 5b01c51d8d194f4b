//! The claim on one call's result.

pub(crate) mod abort;
pub(crate) mod awaiting;
pub(crate) mod borrowed;
pub(crate) mod progress;
pub(crate) mod sent;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::borrowed::{Borrowed, InPlace};
use crate::handle::sent::Sent;
use crate::panics;
use crate::pool::{Backend, Place, allow_inline, default};
use crate::private::route::by_serde;
use crate::processes::client::{Client, NotSent, Ticket, WhenFull};
use crate::registry::Entry;

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
    /// The call ran in this process.
    Here(Result<R>),
    Pending(Pending<R>),
    Taken,
}

struct Pending<R> {
    client: Arc<Client>,
    sent: Sent<R>,
    /// Whether somebody may be woken when the call settles.
    is_awaited: bool,
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
    /// `Full` hands the call back.
    pub fn try_spawn(self) -> Result<Handle<R>, TrySpawnError<'a, R>> {
        let pool = default::pool().map_err(TrySpawnError::Failed)?;
        match pool.backend.place() {
            Place::Workers(client) => {
                Handle::send(client, self, WhenFull::SweepAndReturn).map_err(|not_sent| match not_sent {
                    NotSent::Full(call) => TrySpawnError::Full(call),
                    NotSent::Failed(error) => TrySpawnError::Failed(error),
                })
            }
            Place::Here { .. } => pool.spawn(self).map_err(TrySpawnError::Failed),
        }
    }
}

impl<R: 'static> Handle<R> {
    pub(crate) fn spawn(backend: &Backend, call: Call<'_, R>) -> Result<Handle<R>> {
        match backend.place() {
            Place::Workers(client) => {
                Handle::send(client, call, WhenFull::Wait).map_err(|not_sent| match not_sent {
                    NotSent::Failed(error) => error,
                    NotSent::Full(call) => Error::refused(format!("no slot for `{}`", call.entry.name())),
                })
            }
            Place::Here { asked_for } => {
                backend.allow_here()?;
                allow_inline(asked_for, &call)?;
                Ok(Handle::here(call))
            }
        }
    }

    /// Runs the call in this process, now.
    pub(crate) fn here(call: Call<'_, R>) -> Handle<R> {
        let entry = call.entry;
        let result = panics::caught(|| call.body.run()).map_err(|report| report.into_error(entry.name()));
        Handle { source: Source::Here(result), entry: Some(entry), abort: false }
    }

    /// Of a call that was not sent.
    pub(crate) fn failed(error: Error) -> Handle<R> {
        Handle { source: Source::Here(Err(error)), entry: None, abort: false }
    }

    /// The pool's client, if it has one, and the call there.
    pub(crate) fn sent(&self) -> Option<(&Arc<Client>, Ticket)> {
        match &self.source {
            Source::Pending(pending) => Some((&pending.client, pending.sent.ticket)),
            _ => None,
        }
    }

    pub(crate) fn send<'a>(
        client: &Arc<Client>,
        call: Call<'a, R>,
        when_full: WhenFull,
    ) -> Result<Handle<R>, NotSent<'a, R>> {
        let entry = Some(call.entry);
        let sent = Sent::send(client, call, when_full)?;
        Ok(Handle {
            source: Source::Pending(Pending { client: client.clone(), sent, is_awaited: false }),
            entry,
            abort: false,
        })
    }

    /// Sends a call off in a slot that was reserved for it.
    pub(crate) fn send_in(client: &Arc<Client>, slot: Ticket, call: &Call<'_, R>) -> Result<Handle<R>> {
        // Reserved a while ago: the pool may have ended, or this be a fork of its client.
        let standing = if client.is_here() { client.check_standing() } else { Err(Error::Closed) };
        standing.inspect_err(|_| client.hand_back(slot))?;
        let sent = Sent::send_in(client, slot, call)?;
        let pending = Pending { client: client.clone(), sent, is_awaited: false };
        Ok(Handle { source: Source::Pending(pending), entry: Some(call.entry), abort: false })
    }

    /// Waits for the result.
    ///
    /// If the worker dies: `Died`, within milliseconds. Bounded by the life of the processes it waits
    /// for; a call that loops for ever waits for ever, unless it has a timeout.
    ///
    /// # Errors
    /// Whatever became of the call: `Panicked`, `Died`, `TimedOut`, `Encode`, `Decode`, `TooLarge`,
    /// `UnknownTask`, `Closed`, `Registry`, `RestartLimit`, `Os`.
    pub fn get(mut self) -> Result<R> {
        if let Source::Pending(pending) = &self.source {
            pending.client.wait(pending.sent.ticket, None);
        }
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
        if let Source::Pending(pending) = &self.source
            && !by_serde::<R::Item>(pending.sent.codec)
            && pending.client.is_here()
            && let Some(loan) = pending.client.lend(pending.sent.ticket)
        {
            let task = pending.sent.task();
            self.source = Source::Taken;
            return Borrowed::lent(Box::new(loan), task);
        }
        self.collect().map(Borrowed::from)
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
            Source::Pending(pending) => pending.client.is_settled_or_looked_after(pending.sent.ticket),
            _ => true,
        }
    }

    /// Ends the call: one that is queued is dropped, one that runs has its worker ended as by a deadline
    /// (SIGTERM, then SIGKILL after [`Config::grace`](crate::Config::grace)). Returns at once;
    /// [`get`](Handle::get) gives [`Error::Cancelled`], or the result if the call was finished first.
    ///
    /// A call that ran in this process is finished already.
    pub fn cancel(&self) {
        if let Source::Pending(pending) = &self.source {
            pending.client.cancel(pending.sent.ticket);
        }
    }

    /// Waits until the moment, `None` for ever; whether the result is there.
    pub(crate) fn wait_until(&self, until: Option<Instant>) -> bool {
        match &self.source {
            Source::Pending(pending) => pending.client.wait(pending.sent.ticket, until),
            _ => true,
        }
    }

    /// The result of a call that ran in this process.
    pub(crate) fn into_result(self) -> Option<Result<R>> {
        self.into_parts().err()
    }

    /// The pool and the call, which nobody forgets from now on; or the result of one that ran in this process.
    pub(crate) fn into_parts(mut self) -> Result<(Arc<Client>, Sent<R>), Result<R>> {
        match std::mem::replace(&mut self.source, Source::Taken) {
            Source::Here(result) => Err(result),
            Source::Pending(Pending { client, sent, is_awaited }) => {
                if is_awaited {
                    client.stop_awaiting(sent.ticket);
                }
                Ok((client, sent))
            }
            Source::Taken => Err(Err(Error::Closed)),
        }
    }

    fn collect(&mut self) -> Result<R> {
        match std::mem::replace(&mut self.source, Source::Taken) {
            Source::Here(result) => result,
            Source::Pending(pending) => pending.sent.collect(&pending.client),
            Source::Taken => Err(Error::Closed),
        }
    }
}

impl<R> Drop for Handle<R> {
    fn drop(&mut self) {
        if let Source::Pending(pending) = &self.source {
            if pending.is_awaited {
                pending.client.stop_awaiting(pending.sent.ticket);
            }
            if self.abort {
                pending.client.cancel(pending.sent.ticket);
            }
            pending.client.forget(pending.sent.ticket);
        }
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Handle");
        if let Source::Pending(pending) = &self.source {
            debug
                .field("task", &pending.sent.task())
                .field("finished", &pending.client.is_settled(pending.sent.ticket));
        }
        debug.finish_non_exhaustive()
    }
}
