//! Deadlines: when the supervisor looks next, and what it does about a call that is over its time or
//! that nobody wants any more.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;

use nix::sys::signal::Signal;

use super::clock;
use super::repair::Cause;
use super::supervisor::{Supervisor, kill};
use crate::shm::region::Region;
use crate::shm::word::{Phase, Word};
use crate::sys::process;

/// When a running call is to be ended, and why.
struct Due {
    slot: usize,
    generation: u32,
    /// On the monotonic clock, in nanoseconds.
    at: u64,
    cause: Cause,
}

impl Supervisor {
    /// Announces when the supervisor looks next, after doing what is due.
    pub(super) fn set_alarm(&mut self) -> u64 {
        let mut alarm = self.enforce();
        loop {
            self.region.head().next_alarm.store(alarm, SeqCst);
            fence(SeqCst);
            // A call that began since then compared itself with an older announcement.
            match self.enforce() {
                earlier if earlier < alarm => alarm = earlier,
                _ => return alarm,
            }
        }
    }

    /// Ends workers whose call is due to be ended; the next moment at which something is due.
    fn enforce(&mut self) -> u64 {
        let now = clock::now();
        let mut alarm = self.retry_at.unwrap_or(u64::MAX);
        for (index, seat) in self.seats.iter_mut().enumerate() {
            let Some(pid) = seat.pid else { continue };
            if let Some(kill_at) = seat.kill_at {
                if kill_at <= now {
                    kill(pid);
                    seat.kill_at = Some(u64::MAX);
                } else {
                    alarm = alarm.min(kill_at);
                }
                continue;
            }
            let Some(due) = deadline(&self.region, index) else { continue };
            if due.at > now {
                alarm = alarm.min(due.at);
            } else if self.region.slot(due.slot).state.expire(index as u16, due.generation) {
                seat.cause = Some(due.cause);
                let _ = process::kill_group(pid, Signal::SIGTERM);
                // A stopped process meets no SIGTERM until it goes on.
                let _ = process::kill_group(pid, Signal::SIGCONT);
                let kill_at = now.saturating_add(clock::nanoseconds(self.grace));
                seat.kill_at = Some(kill_at);
                alarm = alarm.min(kill_at);
            }
        }
        alarm
    }
}

/// When the call that `worker` runs is to be ended; `None` when it may run as long as it likes.
fn deadline(region: &Region, worker: usize) -> Option<Due> {
    let slot = (region.worker(worker).current.load(Relaxed) as usize).checked_sub(1)?;
    if slot >= region.geometry().slots {
        return None;
    }
    let header = region.slot(slot);
    let state = header.state.state();
    if state.phase() != Some(Phase::Running) || usize::from(state.owner()) != worker || state.expired() {
        return None;
    }
    let generation = state.generation();
    if state.cancelled() {
        return Some(Due { slot, generation, at: 0, cause: Cause::Cancelled });
    }
    let nanoseconds = header.timeout.load(Relaxed);
    let at = header.started.load(Relaxed).saturating_add(nanoseconds);
    (nanoseconds != 0).then_some(Due { slot, generation, at, cause: Cause::TimedOut { nanoseconds } })
}
