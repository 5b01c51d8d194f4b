//! Calls whose results are collected together: those that are under way, and the results that are there.

#[cfg(processes)]
mod slots;

use std::collections::VecDeque;
#[cfg(processes)]
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

#[cfg(processes)]
use self::slots::Slots;
#[cfg(processes)]
use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::Handle;
#[cfg(processes)]
use crate::processes::client::Client;

/// In order; `None` for a call that is under way. An error is seldom, and large.
type Results<R> = Vec<Option<Result<R, Box<Error>>>>;

pub(crate) struct Group<R> {
    results: Results<R>,
    /// The calls that are under way in the slots of a pool of processes.
    #[cfg(processes)]
    slots: Slots<R>,
    /// Those that have no slot to take over, with their places, oldest first.
    handles: VecDeque<(usize, Handle<R>)>,
}

impl<R> Group<R> {
    pub(crate) fn new() -> Self {
        Group {
            results: Vec::new(),
            #[cfg(processes)]
            slots: Slots::new(),
            handles: VecDeque::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.results.len()
    }

    /// How many calls are under way.
    pub(crate) fn under_way(&self) -> usize {
        #[cfg(processes)]
        let in_slots = self.slots.under_way();
        #[cfg(not(processes))]
        let in_slots = 0;
        in_slots + self.handles.len()
    }

    /// Nobody awaits the last of the first `unsettled` calls any more; a handle's end sees to its own.
    pub(crate) fn stop_awaiting(
        &self,
        #[cfg_attr(not(processes), expect(unused_variables, reason = "there are handles alone"))]
        unsettled: usize,
    ) {
        #[cfg(processes)]
        self.slots.stop_awaiting(unsettled);
    }

    /// Sends a call off; while no slot is free, takes in what this group has in slots already.
    #[cfg(processes)]
    pub(crate) fn send(&mut self, client: &Arc<Client>, call: Call<'_, R>) -> Result<()> {
        self.slots.send(&mut self.results, client, call)
    }

    pub(crate) fn cancel(&self)
    where
        R: 'static,
    {
        #[cfg(processes)]
        self.slots.cancel();
        self.handles.iter().for_each(|(_, handle)| handle.cancel());
    }
}

impl<R: 'static> Group<R> {
    /// Takes in a call that was sent off, or run here.
    pub(crate) fn hold(&mut self, handle: Handle<R>) {
        if handle.is_finished() {
            self.results.push(Some(handle.get().map_err(Box::new)));
        } else {
            self.handles.push_back((self.results.len(), handle));
            self.results.push(None);
        }
    }

    /// Has `waker` called once one of the first `unsettled` calls that are under way settles; whether all have. The
    /// later ones have.
    ///
    /// # Errors
    /// `Os` when the waker thread cannot be started.
    pub(crate) fn wake_when_settled(&mut self, unsettled: &mut usize, waker: &Waker) -> Result<bool> {
        // Where they are in slots, there are no handles.
        while let Some((_, handle)) = self.handles.iter_mut().take(*unsettled).next_back() {
            if !handle.wake_when_finished(waker)? {
                return Ok(false);
            }
            *unsettled -= 1;
        }
        #[cfg(processes)]
        return self.slots.wake_when_settled(unsettled, waker);
        #[cfg(not(processes))]
        Ok(true)
    }

    /// Waits until fewer than so many calls are under way.
    pub(crate) fn wait_for_fewer_than(&mut self, most: usize) {
        #[cfg(processes)]
        self.slots.wait_for_fewer_than(&mut self.results, most);
        while self.handles.len() >= most {
            self.handles[0].1.wait_until(None);
            self.bring_in();
        }
    }

    /// Whether every result is there at the moment, `None` for ever.
    pub(crate) fn wait_until(&self, until: Option<Instant>) -> bool {
        #[cfg(processes)]
        if !self.slots.wait_until(until) {
            return false;
        }
        self.handles.iter().rev().all(|(_, handle)| handle.wait_until(until))
    }

    /// What became of each call, in order; waits for those that are under way.
    pub(crate) fn into_results(mut self) -> impl Iterator<Item = Result<R>> {
        self.wait_until(None);
        #[cfg(processes)]
        self.slots.finish(&mut self.results);
        self.bring_in();
        // Each has a result now.
        std::mem::take(&mut self.results)
            .into_iter()
            .map(|result| result.map_or(Err(Error::Closed), |result| result.map_err(|e| *e)))
    }

    /// Takes in what is finished of the calls with a handle.
    fn bring_in(&mut self) {
        for (at, handle) in std::mem::take(&mut self.handles) {
            if handle.is_finished() {
                self.results[at] = Some(handle.get().map_err(Box::new));
            } else {
                self.handles.push_back((at, handle));
            }
        }
    }
}
