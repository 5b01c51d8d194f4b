//! Stopped workers (SIGSTOP): one that runs a call is left to the call's deadline; one that runs nothing
//! keeps nothing to itself, and is replaced when it stays so while calls wait.
//!
//! The kernel tells the supervisor of a stop as of a death. The client would find a call that such a
//! worker holds as well, a moment later ([`patrol`](crate::processes::client::patrol)), but only where somebody waits.

use std::time::Duration;

use crate::processes::clock::{self, nanoseconds};
use crate::processes::repair;
use crate::processes::supervisor::{Supervisor, kill};
use crate::shm::region::Region;
use crate::shm::word::{Phase, Requeued, Word};
use crate::sys::fault::point;
use crate::sys::process;

/// How soon to look again whether calls wait: nobody tells the supervisor.
const AGAIN: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Hears which workers were stopped, and which go on.
    pub(in crate::processes) fn see_stops(&mut self) {
        while let Some((pid, stopped)) = process::next_stop() {
            // Whatever else a worker left to this process may stop as it likes.
            let Some(index) = self.seats.iter().position(|seat| seat.pid == Some(pid)) else { continue };
            let seat = &mut self.seats[index];
            seat.stopped = stopped.then(|| seat.stopped.unwrap_or_else(clock::now));
            if stopped {
                relieve(&self.region, index);
            } else {
                // It sleeps on, without its place among the idle.
                repair::wake_worker(&self.region, index);
            }
        }
    }

    /// Kills workers that have been stopped for longer than the grace, run nothing and are missed; the next
    /// moment at which somebody has to look.
    pub(in crate::processes) fn end_stopped(&mut self, now: u64) -> u64 {
        let mut alarm = u64::MAX;
        for (index, seat) in self.seats.iter_mut().enumerate() {
            let (Some(pid), Some(since), None) = (seat.pid, seat.stopped, &seat.end) else { continue };
            if repair::runs(&self.region, index as u16) {
                continue;
            }
            let due = since.saturating_add(nanoseconds(self.grace));
            if due > now {
                alarm = alarm.min(due);
            } else if self.draining || repair::any_ready(&self.region) {
                kill(pid);
                seat.stopped = None;
            } else {
                alarm = alarm.min(now.saturating_add(nanoseconds(AGAIN)));
            }
        }
        alarm
    }
}

/// Takes from a stopped worker what it has in hand: a claimed call, a hint, and a wake-up that was meant for
/// somebody who can run.
///
/// No wake-up is lost with it: a publisher that picked it out of the idle set had set its hint before, so
/// that everybody who is woken here sees the hint; one that comes later finds it there no more
/// (`a_stopped_worker_keeps_no_wake_up`).
fn relieve(region: &Region, worker: usize) {
    region.lookout().forget(worker);
    for slot in 0..region.geometry().slots {
        let word = region.slot(slot).state;
        let state = word.state();
        let claimed = state.phase() == Some(Phase::Claimed) && usize::from(state.owner()) == worker;
        if claimed && word.take_back(state) == Requeued::Ready {
            point("taken-back");
        }
    }
    repair::renew_hints(region);
    repair::wake_workers(region);
}
