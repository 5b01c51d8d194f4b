//! Room for a call, before there is one.

use std::sync::{Arc, MutexGuard};
use std::task::Waker;

use super::calls::{Calls, Standing};
use super::{Desk, wake};
use crate::error::{Error, Result};

/// Room for one call, given back when it is dropped.
#[must_use = "dropping it gives the room back"]
pub(crate) struct Room {
    desk: Arc<Desk>,
    background: bool,
    /// A call has it.
    used: bool,
}

impl Desk {
    /// Room for a call, `background` for one that nobody waits for. `None` where there is none, unless this `waits`.
    pub(crate) fn reserve(self: &Arc<Desk>, waits: bool, background: bool) -> Result<Option<Room>> {
        if !self.is_here() {
            return Err(Error::Closed);
        }
        let mut calls = self.calls();
        loop {
            if let Some(room) = self.room(&mut calls, background)? {
                return Ok(Some(room));
            }
            if !waits {
                return Ok(None);
            }
            match self.sleep(calls, None) {
                Some(awake) => calls = awake,
                None => return Ok(None),
            }
        }
    }

    /// As [`reserve`](Desk::reserve), for those who wait by a waker, in turn: this one has its place in line, and is
    /// woken when it may try again.
    pub(crate) fn reserve_in_line(
        self: &Arc<Desk>,
        place: &mut Option<u64>,
        waker: &Waker,
    ) -> Result<Option<Room>> {
        if !self.is_here() {
            return Err(Error::Closed);
        }
        let mut calls = self.calls();
        let at = place.and_then(|own| calls.line.iter().position(|(number, _)| *number == own));
        let free = self.slots.saturating_sub(calls.under_way);
        // Those who came before have the first.
        if at.unwrap_or(calls.line.len()) < free || calls.standing != Standing::Open {
            at.map(|at| calls.line.remove(at));
            *place = None;
            return self.room(&mut calls, false);
        }
        match at {
            Some(at) => calls.line[at].1.clone_from(waker),
            None => {
                calls.last += 1;
                let number = calls.last;
                calls.line.push_back((number, waker.clone()));
                *place = Some(number);
            }
        }
        Ok(None)
    }

    /// Leaves the line.
    pub(crate) fn leave_line(&self, place: u64) {
        if !self.is_here() {
            return;
        }
        let mut calls = self.calls();
        calls.line.retain(|(number, _)| *number != place);
        // Whoever stood behind may have been told too late.
        let line = self.tell(&calls);
        drop(calls);
        wake(line);
    }

    fn room(self: &Arc<Desk>, calls: &mut MutexGuard<'_, Calls>, background: bool) -> Result<Option<Room>> {
        if calls.standing != Standing::Open {
            return Err(Error::Closed);
        }
        let most = if background { (self.slots - self.slots.div_ceil(4)).max(1) } else { usize::MAX };
        if calls.under_way >= self.slots || background && calls.background >= most {
            return Ok(None);
        }
        calls.under_way += 1;
        calls.background += usize::from(background);
        Ok(Some(Room { desk: self.clone(), background, used: false }))
    }
}

impl Room {
    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    pub(super) fn background(&self) -> bool {
        self.background
    }

    /// A call is there now, and leaves by itself.
    pub(super) fn taken(mut self) {
        self.used = true;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.used || !self.desk.is_here() {
            return;
        }
        let mut calls = self.desk.calls();
        calls.leave(self.background);
        let line = self.desk.tell(&calls);
        drop(calls);
        wake(line);
    }
}
