//! A call that is under way, wherever it runs.

#[cfg(processes)]
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use crate::error::Result;
use crate::handle::borrowed::{Borrowed, InPlace};
use crate::handle::progress::Progress;
#[cfg(processes)]
use crate::handle::sent::Sent;
use crate::private::route::by_serde;
#[cfg(processes)]
use crate::processes::client::Client;
#[cfg(threads)]
use crate::threads::claim::{Claim, Lending};
#[cfg(threads)]
use crate::threads::desk::Desk;

/// Dropping it leaves the call as it is.
pub(crate) enum Pending<R> {
    /// In a worker process.
    #[cfg(processes)]
    Worker {
        client: Arc<Client>,
        sent: Sent<R>,
        /// Whether somebody may be woken when the call settles.
        is_awaited: bool,
    },
    /// On a thread of this process.
    #[cfg(threads)]
    Thread(Claim<R>),
}

/// Where calls are waited for together.
pub(crate) enum Venue<'p> {
    #[cfg(processes)]
    Client(&'p Client),
    #[cfg(threads)]
    Desk(&'p Desk),
}

impl Venue<'_> {
    /// Whether it is this one.
    pub(crate) fn is(&self, other: &Venue<'_>) -> bool {
        match (self, other) {
            #[cfg(processes)]
            (Venue::Client(client), Venue::Client(other)) => std::ptr::eq(*client, *other),
            #[cfg(threads)]
            (Venue::Desk(desk), Venue::Desk(other)) => std::ptr::eq(*desk, *other),
            #[cfg(all(processes, threads))]
            _ => false,
        }
    }

    /// Waits until `done`, which looks at calls here, or until the moment; whether it is so. `spins` unless looking
    /// takes long, where there is anything to spin for.
    pub(crate) fn wait_for_any(
        &self,
        until: Option<Instant>,
        #[cfg_attr(not(processes), expect(unused_variables, reason = "threads sleep"))] spins: bool,
        done: impl FnMut() -> bool,
    ) -> bool {
        match self {
            #[cfg(processes)]
            Venue::Client(client) => client.wait_for_any(until, spins, done),
            #[cfg(threads)]
            Venue::Desk(desk) => desk.wait_for_any(until, done),
        }
    }
}

impl<R> Pending<R> {
    #[cfg(processes)]
    pub(crate) fn worker(client: Arc<Client>, sent: Sent<R>) -> Pending<R> {
        Pending::Worker { client, sent, is_awaited: false }
    }

    /// Has `waker` called once the call settles; whether it has. The waker of before is forgotten.
    ///
    /// # Errors
    /// `Os` when the waker thread cannot be started.
    pub(crate) fn wake_when_settled(&mut self, waker: &Waker) -> Result<bool> {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, is_awaited } => {
                *is_awaited = true;
                client.wake_when_settled(sent.ticket, waker)
            }
            #[cfg(threads)]
            Pending::Thread(claim) => Ok(claim.wake_when_settled(waker)),
        }
    }

    /// Nobody awaits it any more.
    pub(crate) fn stop_awaiting(&self) {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, is_awaited } => {
                if *is_awaited {
                    client.stop_awaiting(sent.ticket);
                }
            }
            #[cfg(threads)]
            Pending::Thread(claim) => claim.stop_awaiting(),
        }
    }

    /// What the call said last of how far it has come.
    pub(crate) fn progress(&self) -> Option<Progress> {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, .. } => client.steps(sent.ticket).map(Progress::from),
            #[cfg(threads)]
            Pending::Thread(claim) => claim.progress(),
        }
    }

    /// Where it is waited for together with others.
    pub(crate) fn venue(&self) -> Venue<'_> {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, .. } => Venue::Client(client),
            #[cfg(threads)]
            Pending::Thread(claim) => Venue::Desk(claim.desk()),
        }
    }

    /// The task's name.
    pub(crate) fn task(&self) -> &'static str {
        match self {
            #[cfg(processes)]
            Pending::Worker { sent, .. } => sent.task(),
            #[cfg(threads)]
            Pending::Thread(claim) => claim.task(),
        }
    }

    /// Waits until the moment, `None` for ever; whether the result is there.
    pub(crate) fn wait(&self, until: Option<Instant>) -> bool {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, .. } => client.wait(sent.ticket, until),
            #[cfg(threads)]
            Pending::Thread(claim) => claim.wait(until),
        }
    }

    /// Whether the result is there.
    pub(crate) fn is_settled(&self) -> bool {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, .. } => client.is_settled(sent.ticket),
            #[cfg(threads)]
            Pending::Thread(claim) => claim.is_settled(),
        }
    }

    /// As [`is_settled`](Pending::is_settled), for those who ask again and again and never wait.
    pub(crate) fn is_settled_or_looked_after(&self) -> bool {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, .. } => client.is_settled_or_looked_after(sent.ticket),
            #[cfg(threads)]
            Pending::Thread(claim) => claim.is_settled(),
        }
    }

    pub(crate) fn cancel(&self) {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, .. } => client.cancel(sent.ticket),
            #[cfg(threads)]
            Pending::Thread(claim) => claim.cancel(),
        }
    }

    /// Nobody will collect it.
    pub(crate) fn forget(&self) {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, .. } => client.forget(sent.ticket),
            // It ends with its last owner.
            #[cfg(threads)]
            Pending::Thread(_) => {}
        }
    }

    /// Takes the result of a call that has settled.
    pub(crate) fn collect(self) -> Result<R> {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, .. } => sent.collect(&client),
            #[cfg(threads)]
            Pending::Thread(claim) => claim.collect(),
        }
    }

    /// As [`collect`](Pending::collect), but leaves the result where it is, if that is worth while.
    pub(crate) fn borrow(self) -> Result<Borrowed<R>>
    where
        R: InPlace,
    {
        match self {
            #[cfg(processes)]
            Pending::Worker { client, sent, .. } => {
                if !by_serde::<R::Item>(sent.codec)
                    && client.is_here()
                    && let Some(loan) = client.lend(sent.ticket)
                {
                    return Borrowed::lent(Box::new(loan), sent.task());
                }
                sent.collect(&client).map(Borrowed::from)
            }
            #[cfg(threads)]
            Pending::Thread(claim) if by_serde::<R::Item>(claim.codec()) => {
                claim.collect().map(Borrowed::from)
            }
            #[cfg(threads)]
            Pending::Thread(claim) => {
                let task = claim.task();
                match claim.lend()? {
                    Lending::Lent(answer) => Borrowed::lent(Box::new(answer), task),
                    Lending::Read(result) => Ok(Borrowed::from(result)),
                }
            }
        }
    }
}
