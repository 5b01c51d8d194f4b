//! A call that was sent: which one, and how its result is read.
//!
//! It does not hold its pool. So a handle holds both, and a group of calls one pool for all of them.

use std::sync::Arc;

use crate::call::{Call, Reply};
use crate::codec::{Codec, Failure};
use crate::error::{Error, Result};
use crate::handle::reading::{decoded, garbled};
use crate::processes::client::collect::Taken;
use crate::processes::client::journal::Journal;
use crate::processes::client::{Client, NotSent, Ticket, WhenFull};
use crate::registry::Entry;
use crate::report::Report;

/// Dropping it leaves the call as it is: whoever holds it collects or forgets it.
pub(crate) struct Sent<R> {
    pub(crate) ticket: Ticket,
    pub(crate) codec: Codec,
    entry: &'static Entry,
    decode: fn(Reply<'_>) -> Result<R, Failure>,
}

impl<R> Sent<R> {
    /// Sends a call off.
    pub(crate) fn send<'a>(
        client: &Client,
        call: Call<'a, R>,
        when_full: WhenFull,
    ) -> Result<Sent<R>, NotSent<'a, R>> {
        let (entry, codec, decode) = (call.entry, call.codec, call.decode);
        let ticket = client.send(call, when_full)?;
        Ok(Sent { ticket, codec, entry, decode })
    }

    /// Sends a call off in a slot that this thread has reserved.
    pub(crate) fn send_in(client: &Client, ticket: Ticket, call: &Call<'_, R>) -> Result<Sent<R>> {
        client.send_in(ticket, call)?;
        Ok(Sent { ticket, codec: call.codec, entry: call.entry, decode: call.decode })
    }

    /// Sends a call off as one that nobody waits for.
    pub(crate) fn send_background(client: &Client, call: &Call<'_, R>) -> Result<(Sent<R>, Arc<Journal>)> {
        let (ticket, journal) = client.send_background(call)?;
        Ok((Sent { ticket, codec: call.codec, entry: call.entry, decode: call.decode }, journal))
    }

    /// The task's name.
    pub(crate) fn task(&self) -> &'static str {
        self.entry.name()
    }

    /// Takes the result of a call that has settled, once.
    pub(crate) fn collect(&self, client: &Client) -> Result<R> {
        if !client.is_here() {
            return Err(Error::Closed);
        }
        client.take(self.ticket, |taken| self.read(taken))
    }

    /// As [`collect`](Self::collect); the slot too, if it is to be had for the next call.
    pub(crate) fn replace(&self, client: &Client) -> (Result<R>, Option<Ticket>) {
        if !client.is_here() {
            return (Err(Error::Closed), None);
        }
        client.take_over(self.ticket, |taken| self.read(taken))
    }

    fn read(&self, taken: Taken<'_>) -> Result<R> {
        let task = self.task();
        match taken {
            Taken::Value(payload) => decoded(|| (self.decode)(Reply { codec: self.codec, payload }), task),
            Taken::Report(payload) => match Report::read(payload) {
                Ok(report) => Err(report.into_error(task)),
                Err(_) => Err(garbled(task, "the worker's report of what went wrong is none")),
            },
            Taken::Lost(loss) => Err(loss.into_error(task)),
            Taken::Garbled => Err(garbled(task, "the worker wrote an outcome that is none")),
        }
    }
}
