//! Calls whose results are collected together: those that are under way, and the results that are there.
//!
//! A result is taken in as soon as its slot is wanted, straight to its place: a million calls go through a
//! thousand slots.

use std::sync::Arc;
use std::time::Instant;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::pool::client::{Client, NotSent, WhenFull};

/// Looks at so many calls that are not finished before it takes it that the later ones are not either.
const UNFINISHED: usize = 32;

pub(super) struct Group<R> {
    /// In order; `None` for a call that is under way. An error is seldom, and large.
    results: Vec<Option<Result<R, Box<Error>>>>,
    /// The calls that are under way, with their places, oldest first.
    pending: Vec<(usize, Handle<R>)>,
}

impl<R> Group<R> {
    pub(super) fn new() -> Self {
        Group { results: Vec::new(), pending: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.results.len()
    }
}

impl<R: 'static> Group<R> {
    /// Takes a call in that was sent, or has run.
    pub(super) fn add(&mut self, handle: Handle<R>) {
        self.pending.push((self.results.len(), handle));
        self.results.push(None);
    }

    /// Sends a call off; while no slot is free, takes in what this group has in slots already.
    pub(super) fn send(&mut self, client: &Arc<Client>, mut call: Call<'_, R>) -> Result<()> {
        loop {
            call = match Handle::send(client, call, WhenFull::Return) {
                Ok(handle) => {
                    self.add(handle);
                    return Ok(());
                }
                Err(NotSent::Failed(error)) => return Err(error),
                Err(NotSent::Full(call)) => call,
            };
            // A few would be full again at once.
            if !client.is_room(self.bring_in()) {
                client.wait_for_room();
                if self.bring_in() == 0 {
                    // The finished ones are somebody else's.
                    client.sweep();
                }
            }
        }
    }

    pub(super) fn cancel(&self) {
        self.pending.iter().for_each(|(_, handle)| handle.cancel());
    }

    /// Waits until fewer than so many calls are under way.
    pub(super) fn wait_for_fewer_than(&mut self, most: usize) {
        while self.pending.len() >= most {
            self.pending[0].1.wait_until(None);
            self.bring_in();
        }
    }

    /// Whether every result is there at the moment, `None` for ever.
    pub(super) fn wait_until(&self, until: Option<Instant>) -> bool {
        // The last one first: once it is there few others are not, and this thread has slept once.
        self.pending.iter().rev().all(|(_, handle)| handle.wait_until(until))
    }

    /// What became of each call, in order; waits for those that are under way.
    pub(super) fn into_results(mut self) -> impl Iterator<Item = Result<R>> {
        self.wait_until(None);
        for (at, handle) in self.pending {
            self.results[at] = Some(handle.get().map_err(Box::new));
        }
        // Each has a result now.
        self.results
            .into_iter()
            .map(|result| result.map_or(Err(Error::Closed), |result| result.map_err(|e| *e)))
    }

    /// Takes in results that are there, in about the order of arrival; how many.
    fn bring_in(&mut self) -> usize {
        let (mut brought, mut unfinished) = (0, 0);
        self.pending.retain_mut(|(at, handle)| {
            // To look at a call is to take the line of its word from the worker that is at it.
            let look = brought == 0 || unfinished < UNFINISHED;
            match look.then(|| handle.take_if_settled()).flatten() {
                Some(result) => {
                    self.results[*at] = Some(result.map_err(Box::new));
                    brought += 1;
                    false
                }
                None => {
                    unfinished += 1;
                    true
                }
            }
        });
        brought
    }
}
