//! Calls whose results are collected together: those that are under way, and the results that are there.
//!
//! A result is taken in as soon as its slot is wanted, straight to its place: a million calls go through a
//! thousand slots. As long as calls finish in about the order that they were sent, each new one takes the slot of
//! the oldest, which is not free in between.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::sent::Sent;
use crate::processes::client::{Client, NotSent, Ticket, WhenFull};

/// Looks at so many calls that are not finished before it takes it that the later ones are not either.
const UNFINISHED: usize = 32;

pub(crate) struct Group<R> {
    /// In order; `None` for a call that is under way. An error is seldom, and large.
    results: Vec<Option<Result<R, Box<Error>>>>,
    /// The calls that are under way, with their places, oldest first.
    pending: VecDeque<(usize, Sent<R>)>,
    /// Where they are.
    client: Option<Arc<Client>>,
    /// How many of the oldest are likely to be finished.
    finished: usize,
}

impl<R> Group<R> {
    pub(crate) fn new() -> Self {
        Group { results: Vec::new(), pending: VecDeque::new(), client: None, finished: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.results.len()
    }

    /// Takes in what became of a call that was run here.
    pub(crate) fn put(&mut self, result: Result<R>) {
        self.results.push(Some(result.map_err(Box::new)));
    }

    /// Sends a call off; while no slot is free, takes in what this group has in slots already.
    pub(crate) fn send(&mut self, client: &Arc<Client>, mut call: Call<'_, R>) -> Result<()> {
        self.client.get_or_insert_with(|| client.clone());
        loop {
            if let Some(ticket) = self.take_over_oldest(client) {
                let sent = Sent::send_in(client, ticket, &call)?;
                self.add(sent);
                return Ok(());
            }
            call = match Sent::send(client, call, WhenFull::Return) {
                Ok(sent) => {
                    self.add(sent);
                    return Ok(());
                }
                Err(NotSent::Failed(error)) => return Err(error),
                Err(NotSent::Full(call)) => call,
            };
            self.make_room(client);
        }
    }

    /// With every slot taken: waits until a good part of them is not, or can be taken over. A few would be
    /// taken again at once.
    fn make_room(&mut self, client: &Client) {
        if self.first_finished(client).is_some() {
            // They are begun in order: the last of a row tells of the others.
            if !self.is_finished(client, client.enough().min(self.pending.len()) - 1) {
                client.wait_for_room();
            }
            self.finished = client.enough();
        } else if !client.is_room(self.bring_in(client)) {
            client.wait_for_room();
            if self.bring_in(client) == 0 {
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

    fn add(&mut self, sent: Sent<R>) {
        self.pending.push_back((self.results.len(), sent));
        self.results.push(None);
    }

    pub(crate) fn cancel(&self) {
        if let Some(client) = &self.client {
            self.pending.iter().for_each(|(_, sent)| client.cancel(sent.ticket));
        }
    }

    /// Waits until fewer than so many calls are under way.
    pub(crate) fn wait_for_fewer_than(&mut self, most: usize) {
        let Some(client) = self.client.clone() else { return };
        while self.pending.len() >= most {
            client.wait(self.pending[0].1.ticket, None);
            self.bring_in(&client);
        }
    }

    /// Whether every result is there at the moment, `None` for ever.
    pub(crate) fn wait_until(&self, until: Option<Instant>) -> bool {
        let Some(client) = &self.client else { return true };
        // The last one first: once it is there few others are not, and this thread has slept once.
        self.pending.iter().rev().all(|(_, sent)| client.wait(sent.ticket, until))
    }

    /// Has `waker` called once one of the first `unsettled` calls that are under way settles; whether all have. The
    /// later ones have.
    ///
    /// # Errors
    /// `Os` when the waker thread cannot be started.
    pub(crate) fn wake_when_settled(&self, unsettled: &mut usize, waker: &Waker) -> Result<bool> {
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
    pub(crate) fn stop_awaiting(&self, unsettled: usize) {
        if let (Some(client), Some((_, sent))) =
            (&self.client, self.pending.iter().take(unsettled).next_back())
        {
            client.stop_awaiting(sent.ticket);
        }
    }

    /// How many calls are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.pending.len()
    }

    /// What became of each call, in order; waits for those that are under way.
    pub(crate) fn into_results(mut self) -> impl Iterator<Item = Result<R>> {
        self.wait_until(None);
        if let Some(client) = &self.client {
            for (at, sent) in self.pending.drain(..) {
                self.results[at] = Some(sent.collect(client).map_err(Box::new));
            }
        }
        // Each has a result now.
        std::mem::take(&mut self.results)
            .into_iter()
            .map(|result| result.map_or(Err(Error::Closed), |result| result.map_err(|e| *e)))
    }

    /// Takes the oldest call's result in, and its slot over, while the oldest are likely to be finished.
    fn take_over_oldest(&mut self, client: &Client) -> Option<Ticket> {
        self.finished = self.finished.checked_sub(1)?;
        let Some(oldest) = self.first_finished(client) else {
            self.finished = 0;
            return None;
        };
        let (at, sent) = self.pending.remove(oldest)?;
        let (result, slot) = sent.replace(client);
        self.results[at] = Some(result.map_err(Box::new));
        slot
    }

    /// Takes in results that are there, in about the order of arrival; how many.
    fn bring_in(&mut self, client: &Client) -> usize {
        let (results, mut brought, mut unfinished) = (&mut self.results, 0, 0);
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

impl<R> Drop for Group<R> {
    /// Nobody will collect what is under way.
    fn drop(&mut self) {
        if let Some(client) = &self.client {
            self.pending.iter().for_each(|(_, sent)| client.forget(sent.ticket));
        }
    }
}
