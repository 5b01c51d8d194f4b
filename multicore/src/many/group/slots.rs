//! Those calls of a group that are in the slots of a pool of processes.
//!
//! A result is taken in as soon as its slot is wanted, straight to its place: a million calls go through a
//! thousand slots. As long as calls finish in about the order that they were sent, each new one takes the slot of
//! the oldest, which is not free in between.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::Results;
use crate::call::Call;
use crate::error::Result;
use crate::handle::sent::Sent;
use crate::processes::client::{Client, NotSent, Ticket, WhenFull};

/// Looks at so many calls that are not finished before it takes it that the later ones are not either.
const UNFINISHED: usize = 32;

pub(super) struct Slots<R> {
    /// The calls that are under way, with their places, oldest first.
    pending: VecDeque<(usize, Sent<R>)>,
    /// Where they are.
    client: Option<Arc<Client>>,
    /// How many of the oldest are likely to be finished.
    finished: usize,
}

impl<R> Slots<R> {
    pub(super) fn new() -> Self {
        Slots { pending: VecDeque::new(), client: None, finished: 0 }
    }

    /// Sends a call off; while no slot is free, takes in what this group has in slots already.
    pub(super) fn send(
        &mut self,
        results: &mut Results<R>,
        client: &Arc<Client>,
        mut call: Call<'_, R>,
    ) -> Result<()> {
        self.client.get_or_insert_with(|| client.clone());
        loop {
            if let Some(ticket) = self.take_over_oldest(results, client) {
                let sent = Sent::send_in(client, ticket, &call)?;
                self.add(results, sent);
                return Ok(());
            }
            call = match Sent::send(client, call, WhenFull::Return) {
                Ok(sent) => {
                    self.add(results, sent);
                    return Ok(());
                }
                Err(NotSent::Failed(error)) => return Err(error),
                Err(NotSent::Full(call)) => call,
            };
            self.make_room(results, client);
        }
    }

    /// With every slot taken: waits until a good part of them is not, or can be taken over. A few would be
    /// taken again at once.
    fn make_room(&mut self, results: &mut Results<R>, client: &Client) {
        if self.first_finished(client).is_some() {
            // They are begun in order: the last of a row tells of the others.
            if !self.is_finished(client, client.enough().min(self.pending.len()) - 1) {
                client.wait_for_room();
            }
            self.finished = client.enough();
        } else if !client.is_room(self.bring_in(results, client)) {
            client.wait_for_room();
            if self.bring_in(results, client) == 0 {
                // The finished ones are somebody else's.
                client.sweep();
            }
        }
    }

    /// The first pending call that is finished, if it is one of the oldest.
    fn first_finished(&self, client: &Client) -> Option<usize> {
        (0..UNFINISHED).find(|at| self.is_finished(client, *at))
    }

    /// Whether this one of the pending calls is finished.
    fn is_finished(&self, client: &Client, at: usize) -> bool {
        self.pending.get(at).is_some_and(|(_, sent)| client.is_settled(sent.ticket))
    }

    fn add(&mut self, results: &mut Results<R>, sent: Sent<R>) {
        self.pending.push_back((results.len(), sent));
        results.push(None);
    }

    pub(super) fn cancel(&self) {
        if let Some(client) = &self.client {
            self.pending.iter().for_each(|(_, sent)| client.cancel(sent.ticket));
        }
    }

    /// Waits until fewer than so many calls are under way.
    pub(super) fn wait_for_fewer_than(&mut self, results: &mut Results<R>, most: usize) {
        let Some(client) = self.client.clone() else { return };
        while self.pending.len() >= most {
            client.wait(self.pending[0].1.ticket, None);
            self.bring_in(results, &client);
        }
    }

    /// Whether every result is there at the moment, `None` for ever.
    pub(super) fn wait_until(&self, until: Option<Instant>) -> bool {
        let Some(client) = &self.client else { return true };
        // The last one first: once it is there few others are not, and this thread has slept once.
        self.pending.iter().rev().all(|(_, sent)| client.wait(sent.ticket, until))
    }

    /// Has `waker` called once one of the first `unsettled` calls that are under way settles; whether all have. The
    /// later ones have.
    ///
    /// # Errors
    /// `Os` when the waker thread cannot be started.
    pub(super) fn wake_when_settled(&self, unsettled: &mut usize, waker: &Waker) -> Result<bool> {
        let Some(client) = &self.client else { return Ok(true) };
        // The last one first: once it is there few others are not.
        while let Some((_, sent)) = self.pending.iter().take(*unsettled).next_back() {
            if !client.wake_when_settled(sent.ticket, waker)? {
                return Ok(false);
            }
            *unsettled -= 1;
        }
        Ok(true)
    }

    /// Nobody awaits the last of the first `unsettled` calls any more.
    pub(super) fn stop_awaiting(&self, unsettled: usize) {
        if let (Some(client), Some((_, sent))) =
            (&self.client, self.pending.iter().take(unsettled).next_back())
        {
            client.stop_awaiting(sent.ticket);
        }
    }

    /// How many calls are under way.
    pub(super) fn under_way(&self) -> usize {
        self.pending.len()
    }

    /// Takes in every result, which must be there.
    pub(super) fn finish(&mut self, results: &mut Results<R>) {
        if let Some(client) = &self.client {
            for (at, sent) in self.pending.drain(..) {
                results[at] = Some(sent.collect(client).map_err(Box::new));
            }
        }
    }

    /// Takes the oldest call's result in, and its slot over, while the oldest are likely to be finished.
    fn take_over_oldest(&mut self, results: &mut Results<R>, client: &Client) -> Option<Ticket> {
        self.finished = self.finished.checked_sub(1)?;
        let Some(oldest) = self.first_finished(client) else {
            self.finished = 0;
            return None;
        };
        let (at, sent) = self.pending.remove(oldest)?;
        let (result, slot) = sent.replace(client);
        results[at] = Some(result.map_err(Box::new));
        slot
    }

    /// Takes in results that are there, in about the order of arrival; how many.
    fn bring_in(&mut self, results: &mut Results<R>, client: &Client) -> usize {
        let (mut brought, mut unfinished) = (0, 0);
        self.pending.retain(|(at, sent)| {
            // To look at a call is to take the line of its word from the worker that is at it.
            let finished = (brought == 0 || unfinished < UNFINISHED) && client.is_settled(sent.ticket);
            if finished {
                results[*at] = Some(sent.collect(client).map_err(Box::new));
                brought += 1;
            } else {
                unfinished += 1;
            }
            !finished
        });
        brought
    }
}

impl<R> Drop for Slots<R> {
    /// Nobody will collect what is under way.
    fn drop(&mut self) {
        if let Some(client) = &self.client {
            self.pending.iter().for_each(|(_, sent)| client.forget(sent.ticket));
        }
    }
}
