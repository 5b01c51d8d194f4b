//! Sending calls that nobody waits for, without keeping slots from those that somebody does.
//!
//! Background calls take three quarters of the slots at most: where so many of them are queued, whoever sends one
//! more waits, and an ordinary call still finds a slot.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::error::{Error, Result};
use crate::processes::client::journal::Journal;
use crate::processes::client::patrol::ROUND;
use crate::processes::client::{Client, Ticket, WhenFull};

/// The first look whether there is room again; each next one comes after twice as long.
const FIRST: Duration = Duration::from_millis(1);

impl Client {
    /// Sends a call off as one that nobody waits for; waits while there are too many of them.
    pub(crate) fn send_background<R>(&self, call: &Call<'_, R>) -> Result<(Ticket, Arc<Journal>)> {
        struct Unsent<'c>(&'c Client, Ticket);
        impl Drop for Unsent<'_> {
            fn drop(&mut self) {
                self.0.close_journal(self.1);
            }
        }
        if !self.is_here() {
            return Err(Error::Closed);
        }
        // One at a time: they would all find the same room.
        let _turn = self.admission.lock().unwrap_or_else(PoisonError::into_inner);
        self.wait_for_background_room()?;
        let ticket = self.reserve(WhenFull::Wait)?.ok_or(Error::Closed)?;
        // Before it can be over.
        let journal = self.open_journal(ticket);
        let unsent = Unsent(self, ticket);
        self.send_in(ticket, call)?;
        std::mem::forget(unsent);
        Ok((ticket, journal))
    }

    fn wait_for_background_room(&self) -> Result<()> {
        let slots = self.seats.len();
        let most = (slots - slots.div_ceil(4)).max(1);
        let mut pause = FIRST;
        loop {
            self.check_standing()?;
            let tickets = self.background_calls();
            let Some(any) = tickets.first().filter(|_| tickets.len() >= most) else { return Ok(()) };
            if self.sweep() == 0 {
                self.wait(*any, Instant::now().checked_add(pause));
                pause = (pause * 2).min(ROUND);
            }
        }
    }
}
