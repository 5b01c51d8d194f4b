//! Calls and slots that are awaited: whom to wake when they settle or come free.
//!
//! Whoever awaits a call puts a [`Waker`] down here and goes on with something else; the waker thread
//! ([`waking`](super::waking)) looks after it. What settles a call tells that thread (`shm/watch.rs`); what does so
//! without a word (a sweep beside a death, a region that was put in order) it finds at its next round.
//!
//! A waker is the executor's code: it is cloned, called and dropped outside of the lock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::error::Result;
use crate::processes::client::{Client, Ticket, waking};
use crate::shm::word::Word;

/// Who awaits calls of one pool.
#[derive(Default)]
pub(in crate::processes) struct Awaited {
    wakers: Mutex<Wakers>,
}

#[derive(Default)]
pub(super) struct Wakers {
    calls: BTreeMap<Ticket, Waker>,
    /// Those that await a slot, with their places.
    pub(super) line: BTreeMap<u64, Waker>,
    /// The last place that was given.
    pub(super) last_place: u64,
    /// Whether the waker thread looks after this pool, or is about to.
    is_served: bool,
}

impl Awaited {
    /// Never in a fork of the client, where the lock may be another thread's for ever.
    pub(super) fn lock(&self) -> MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, ticket: Ticket, waker: &Waker) {
        if self.lock().calls.get(&ticket).is_some_and(|before| before.will_wake(waker)) {
            return;
        }
        let waker = waker.clone();
        let before = self.lock().calls.insert(ticket, waker);
        drop(before);
    }

    /// Takes out what has settled of these calls.
    fn take(&self, tickets: impl Fn(&BTreeMap<Ticket, Waker>) -> Vec<Ticket>, into: &mut Vec<Waker>) {
        let mut wakers = self.lock();
        let settled = tickets(&wakers.calls);
        into.extend(settled.iter().filter_map(|ticket| wakers.calls.remove(ticket)));
    }
}

impl Client {
    /// Has `waker` called once the call settles, in place of the one before; whether it has settled already, so
    /// that nobody is called.
    ///
    /// # Errors
    /// `Os` when the waker thread cannot be started.
    pub(crate) fn wake_when_settled(self: &Arc<Self>, ticket: Ticket, waker: &Waker) -> Result<bool> {
        if !self.is_here() {
            // A fork of the client: the outcome belongs to the parent, and taking it says so.
            return Ok(true);
        }
        if self.is_settled(ticket) {
            self.stop_awaiting(ticket);
            return Ok(true);
        }
        self.awaited.put(ticket, waker);
        self.have_served()?;
        self.region.watch().begin();
        if self.header(ticket).state.wait(ticket.generation).is_ok() {
            return Ok(false);
        }
        self.stop_awaiting(ticket);
        Ok(true)
    }

    /// Nobody awaits this call any more.
    pub(crate) fn stop_awaiting(&self, ticket: Ticket) {
        if self.is_here() {
            let waker = self.awaited.lock().calls.remove(&ticket);
            drop(waker);
        }
    }

    /// Has the waker thread look after this pool.
    pub(super) fn have_served(self: &Arc<Self>) -> Result<()> {
        if std::mem::replace(&mut self.awaited.lock().is_served, true) {
            return Ok(());
        }
        waking::serve(self).inspect_err(|_| {
            // Others may have relied on it meanwhile: each tries itself, and is told.
            let mut wakers = self.awaited.lock();
            wakers.is_served = false;
            let (calls, line) = (std::mem::take(&mut wakers.calls), std::mem::take(&mut wakers.line));
            drop(wakers);
            waking::wake(calls.into_values().chain(line.into_values()));
        })
    }

    /// Waker thread: takes those to be woken because of what it was told.
    pub(super) fn hear(&self, into: &mut Vec<Waker>) {
        // Bounded, or a flood of forged hints would keep the thread from other pools.
        for _ in 0..self.seats.len().div_ceil(64) {
            let Some(slots) = self.region.watch().heard() else { return };
            let range = |slot: usize| {
                let ticket = |generation| Ticket { slot: slot as u32, generation };
                ticket(0)..=ticket(u32::MAX)
            };
            let of = |calls: &BTreeMap<Ticket, Waker>| {
                let tickets = slots.flat_map(|slot| calls.range(range(slot))).map(|(ticket, _)| *ticket);
                tickets.filter(|ticket| self.is_settled(*ticket)).collect()
            };
            self.awaited.take(of, into);
        }
    }

    /// Waker thread: takes those to be woken because their call has settled, whoever did not say so.
    pub(super) fn look_through(&self, into: &mut Vec<Waker>) {
        let settled = |ticket: &Ticket| self.is_settled(*ticket);
        self.awaited.take(|calls| calls.keys().copied().filter(settled).collect(), into);
    }

    /// Waker thread: leaves this pool alone, unless somebody awaits something; whether it does.
    pub(super) fn is_left_alone(&self) -> bool {
        let mut wakers = self.awaited.lock();
        if wakers.calls.is_empty() && wakers.line.is_empty() {
            // Under the lock: whoever comes next begins the watch anew.
            self.region.watch().end();
            wakers.is_served = false;
        }
        !wakers.is_served
    }
}

#[cfg(test)]
mod test;
