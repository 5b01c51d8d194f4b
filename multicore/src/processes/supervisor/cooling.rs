//! Giving back what large payloads left warm, once nobody uses it.
//!
//! While calls come and go the client keeps pages for the next ones (`processes/client/warmth.rs`), and tells the
//! supervisor, at most once a second, that it does. When it has told nothing for a while, the supervisor wakes up
//! once and gives back the windows of all free slots; and a few times more, ever later, while slots are in use.
//! So an idle pool holds no large payload's memory, and nobody wakes up for that for ever.
//!
//! It takes a slot for that as a client would, by its word ([`cool`](crate::shm::word::Word::cool)), and says in
//! the header that the pages are gone *before* they are: whoever reserves the slot next believes in none.
//! If it dies there, the client frees the slot with the next supervisor; a supervisor that stays there for
//! seconds is not believed any more (`processes/client/patrol.rs`).

use std::sync::atomic::Ordering::Relaxed;

use crate::processes::clock;
use crate::processes::supervisor::Supervisor;
use crate::processes::worker::progress;
use crate::shm::word::Word;
use crate::sys::fault::point;

/// How long after the last word of warm windows.
const AFTER: u64 = 2_000_000_000;
/// How often it comes again, each time after twice as long, for slots that were in use.
const TIMES: u32 = 8;

/// When that is due.
#[derive(Default)]
pub(in crate::processes) struct Cooling {
    at: Option<u64>,
    /// How often it was tried since the client said something.
    tries: u32,
}

impl Cooling {
    /// The client keeps pages for calls to come.
    pub(in crate::processes) fn put_off(&mut self) {
        *self = Cooling { at: Some(clock::now() + AFTER), tries: 0 };
    }

    pub(in crate::processes) fn alarm(&self) -> u64 {
        self.at.unwrap_or(u64::MAX)
    }
}

impl Supervisor {
    /// Gives back what free slots keep, if it is time for that.
    pub(in crate::processes) fn cool_down(&mut self) {
        let now = clock::now();
        if self.cooling.alarm() > now {
            return;
        }
        let slots = self.region.geometry().slots;
        let free = (0..slots).filter(|slot| self.cool(*slot)).count();
        progress(&self.region, 1);
        self.cooling.tries += 1;
        let again = free < slots && self.cooling.tries < TIMES;
        self.cooling.at = again.then(|| now + (AFTER << self.cooling.tries));
    }

    /// Empties the windows of a slot, if it is free; whether it was.
    fn cool(&self, slot: usize) -> bool {
        let header = self.region.slot(slot);
        let Some(generation) = header.state.cool() else { return false };
        header.cooled.store(1, Relaxed);
        point("cooling");
        self.region.empty_windows(slot);
        header.state.abandon(generation);
        self.region.free().insert(slot);
        true
    }
}
