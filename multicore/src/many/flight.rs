//! Calls under way whose results are taken one by one.
//!
//! A result that is taken while another call waits to be sent gives its slot to that call, which is not free in
//! between.

use std::collections::VecDeque;
#[cfg(processes)]
use std::sync::Arc;
#[cfg(all(feature = "stream", threads))]
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::handle::pending::Venue;
#[cfg(processes)]
use crate::handle::sent::Sent;
#[cfg(processes)]
use crate::pool::Place;
use crate::pool::Pool;
#[cfg(processes)]
use crate::processes::client::{Client, NotSent, Ticket, WhenFull};

/// A slot that is handed from one call to the next.
#[cfg(processes)]
pub(crate) type Slot = Ticket;
/// There is none without processes.
#[cfg(not(processes))]
pub(crate) type Slot = std::convert::Infallible;

/// Looks at so many words while it spins; looking at more keeps their lines from the workers.
const SPUN: usize = 128;
/// With results that come fast, a thread waits for several, about so long: to be woken for each takes the workers
/// longer than a short call.
const SPAN: Duration = Duration::from_micros(500);

/// Dropping it cancels what is under way.
pub(crate) struct Flight<R> {
    /// Oldest first, with their numbers.
    under_way: VecDeque<(usize, Flying<R>)>,
    /// Where those are that were sent to worker processes.
    #[cfg(processes)]
    client: Option<Arc<Client>>,
    /// How many calls were sent.
    sent: usize,
    pace: Pace,
}

/// How fast results come.
struct Pace {
    /// When this thread last began to wait.
    since: Instant,
    /// Results that were taken since then.
    taken: u32,
}

impl Pace {
    /// How many results come in [`SPAN`] if they come as they did since the last wait; a wait begins.
    fn within_span(&mut self) -> usize {
        let (now, taken) = (Instant::now(), self.taken);
        let each = now.duration_since(self.since) / taken.max(1);
        (self.since, self.taken) = (now, 0);
        if taken == 0 { 1 } else { (SPAN.as_nanos() / each.as_nanos().max(1)) as usize }
    }
}

enum Flying<R> {
    /// In a worker process's hands.
    #[cfg(processes)]
    Sent(Sent<R>),
    /// On a thread; or what cannot be sent, or ran here.
    Held(Handle<R>),
}

impl<R: 'static> Flight<R> {
    pub(crate) fn new() -> Self {
        Flight {
            under_way: VecDeque::new(),
            #[cfg(processes)]
            client: None,
            sent: 0,
            pace: Pace { since: Instant::now(), taken: 0 },
        }
    }

    /// How many calls are under way.
    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Sends a call off, in this slot if there is one; back it comes where no slot is free and one of the calls
    /// here will give one. A call that cannot be sent has its error for a result.
    pub(crate) fn send<'a>(
        &mut self,
        pool: &Pool,
        call: Call<'a, R>,
        slot: Option<Slot>,
    ) -> Option<Call<'a, R>> {
        #[cfg(processes)]
        if let Place::Workers(client) = pool.engine.place() {
            return self.send_to(client, call, slot);
        }
        debug_assert!(slot.is_none(), "a slot is a process's");
        let mut handle = pool.spawn(call).unwrap_or_else(Handle::failed);
        handle.abort = true;
        self.add(Flying::Held(handle));
        None
    }

    #[cfg(processes)]
    fn send_to<'a>(
        &mut self,
        client: &Arc<Client>,
        call: Call<'a, R>,
        slot: Option<Slot>,
    ) -> Option<Call<'a, R>> {
        if self.client.is_none() {
            self.client = Some(client.clone());
        }
        let sent = match slot {
            Some(slot) => Sent::send_in(client, slot, &call),
            None => {
                let when_full = if self.under_way.is_empty() { WhenFull::Wait } else { WhenFull::Return };
                match Sent::send(client, call, when_full) {
                    Ok(sent) => Ok(sent),
                    Err(NotSent::Failed(error)) => Err(error),
                    Err(NotSent::Full(call)) => return Some(call),
                }
            }
        };
        self.add(match sent {
            Ok(sent) => Flying::Sent(sent),
            Err(error) => Flying::Held(Handle::failed(error)),
        });
        None
    }

    /// Takes in a call that could not even be tried.
    pub(crate) fn fail(&mut self, error: Error) {
        self.add(Flying::Held(Handle::failed(error)));
    }

    fn add(&mut self, flying: Flying<R>) {
        self.under_way.push_back((self.sent, flying));
        self.sent += 1;
    }

    /// Takes in a call that was sent by itself.
    #[cfg(feature = "stream")]
    pub(crate) fn take_in(&mut self, mut handle: Handle<R>) {
        handle.abort = true;
        self.add(Flying::Held(handle));
    }

    /// Has `waker` called once this one of those under way is finished; whether it is. Those in slots have their own
    /// way.
    ///
    /// # Errors
    /// `Os` when the waker thread cannot be started.
    #[cfg(all(feature = "stream", threads))]
    pub(crate) fn wake_when_finished(&mut self, at: usize, waker: &Waker) -> Result<bool> {
        match self.under_way.get_mut(at) {
            Some((_, Flying::Held(handle))) => handle.wake_when_finished(waker),
            _ => Ok(self.is_finished(at)),
        }
    }

    /// This one of those under way, if it was sent to a worker.
    #[cfg(all(feature = "stream", processes))]
    pub(crate) fn ticket(&self, at: usize) -> Option<Ticket> {
        match self.under_way.get(at)? {
            (_, Flying::Sent(sent)) => Some(sent.ticket),
            (_, Flying::Held(handle)) => handle.ticket(),
        }
    }

    /// Whether this one of those under way is finished.
    pub(crate) fn is_finished(&self, at: usize) -> bool {
        match self.under_way.get(at) {
            #[cfg(processes)]
            Some((_, Flying::Sent(sent))) => {
                self.client.as_ref().is_some_and(|client| client.is_settled(sent.ticket))
            }
            Some((_, Flying::Held(handle))) => handle.is_finished(),
            None => false,
        }
    }

    /// The oldest that is finished.
    pub(crate) fn first_finished(&self) -> Option<usize> {
        (0..self.len()).find(|at| self.is_finished(*at))
    }

    /// How many results a thread waits for that finds none.
    #[cfg(processes)]
    fn some(&mut self) -> usize {
        self.pace.within_span().min(self.len() / 2).max(1)
    }

    /// Waits for the oldest until the moment; whether it is finished.
    pub(crate) fn wait_for_first(&mut self, until: Option<Instant>) -> bool {
        if self.is_finished(0) {
            return true;
        }
        #[cfg(processes)]
        self.wait_for_some(until);
        match self.under_way.front() {
            #[cfg(processes)]
            Some((_, Flying::Sent(sent))) => {
                self.client.as_ref().is_some_and(|client| client.wait(sent.ticket, until))
            }
            Some((_, Flying::Held(handle))) => handle.wait_until(until),
            None => false,
        }
    }

    /// With results that come fast, waits for several, unless the moment is near.
    #[cfg(processes)]
    fn wait_for_some(&mut self, until: Option<Instant>) {
        let some = self.some();
        if some > 1
            && until.is_none_or(|until| until > Instant::now() + SPAN)
            && let Some(client) = &self.client
        {
            client.sleep_until_settled(some, SPAN);
        }
    }

    /// Waits for any until the moment; which.
    pub(crate) fn wait_for_any(&mut self, until: Option<Instant>) -> Option<usize> {
        let mut found = self.first_finished();
        if found.is_some() {
            return found;
        }
        #[cfg(processes)]
        self.wait_for_some(until);
        if let Some(venue) = self.venue() {
            venue.wait_for_any(until, self.len() <= SPUN, || {
                found = self.first_finished();
                found.is_some()
            });
        }
        found.or_else(|| self.first_finished())
    }

    /// Where all of them are that are somewhere.
    fn venue(&self) -> Option<Venue<'_>> {
        #[cfg(processes)]
        if let Some(client) = &self.client {
            return Some(Venue::Client(client));
        }
        self.under_way.iter().find_map(|(_, flying)| match flying {
            #[cfg(processes)]
            Flying::Sent(_) => None,
            Flying::Held(handle) => handle.venue(),
        })
    }

    /// Takes the number and the result of one that is finished; its slot too, if one is wanted and it is to be had.
    pub(crate) fn take(
        &mut self,
        at: usize,
        #[cfg_attr(not(processes), expect(unused_variables, reason = "there is none"))] wants_slot: bool,
    ) -> Option<(usize, Result<R>, Option<Slot>)> {
        let (number, flying) = self.under_way.remove(at)?;
        self.pace.taken = self.pace.taken.saturating_add(1);
        let (result, slot) = match flying {
            Flying::Held(handle) => (handle.get(), None),
            #[cfg(processes)]
            Flying::Sent(sent) => match &self.client {
                Some(client) if wants_slot => sent.replace(client),
                Some(client) => (sent.collect(client), None),
                None => return None,
            },
        };
        Some((number, result, slot))
    }
}

impl<R> Drop for Flight<R> {
    fn drop(&mut self) {
        #[cfg(processes)]
        self.cancel_sent();
        // The last one first, as there: a handle cancels its call.
        while self.under_way.pop_back().is_some() {}
    }
}

#[cfg(processes)]
impl<R> Flight<R> {
    fn cancel_sent(&self) {
        let Some(client) = &self.client else { return };
        // All of them before any is forgotten: the workers see at once what is not wanted.
        let sent = || {
            self.under_way.iter().filter_map(|(_, flying)| match flying {
                Flying::Sent(sent) => Some(sent.ticket),
                Flying::Held(_) => None,
            })
        };
        // The last one first, or those that are cancelled let the next ones begin.
        sent().rev().for_each(|ticket| client.cancel(ticket));
        sent().for_each(|ticket| client.forget(ticket));
    }
}
