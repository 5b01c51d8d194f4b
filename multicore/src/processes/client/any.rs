//! Waiting for any of several calls.
//!
//! By the countdown that those use who wait for slots ([`room`](super::room)), set to one: the next call that
//! settles wakes this thread, whichever it is. The thread first says that it sleeps, passes a fence, and looks at its
//! calls once more; a worker swaps its call's word, passes a fence, and looks for sleepers. One of them sees
//! the other. A worker that has more in hand tells a moment later, of all that it ran together.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::processes::client::Client;
use crate::shm::hint::Bits;
use crate::sys::futex;

impl Client {
    /// Waits until `done`, which looks at calls of this pool, or until the moment; whether it is so. `spins` unless
    /// looking takes long.
    pub(crate) fn wait_for_any(
        &self,
        until: Option<Instant>,
        spins: bool,
        mut done: impl FnMut() -> bool,
    ) -> bool {
        let left = || until.map(|moment| moment.saturating_duration_since(Instant::now()));
        let within = left().unwrap_or(Duration::MAX);
        if done() || spins && self.spin.until(self.awake(), within, &mut done) {
            return true;
        }
        if !self.is_here() {
            // A fork of the client: the outcomes belong to the parent, and taking them says so.
            return true;
        }
        let head = self.region.head();
        loop {
            let left = left();
            if left == Some(Duration::ZERO) {
                return done();
            }
            let round = self.until_next_round();
            head.dormant.fetch_add(1, Relaxed);
            let seen = self.doze_off(1);
            AtomicU64::meet();
            let is_done = done();
            if !is_done {
                let _ = futex::wait(&head.progress.0, seen, Some(left.map_or(round, |left| left.min(round))));
            }
            self.wake_up();
            head.dormant.fetch_sub(1, Relaxed);
            if is_done || done() {
                return true;
            }
            self.patrol();
        }
    }
}
