//! Deadlines: when the supervisor looks next, and what it does about a call that is over its time or
//! that nobody wants any more.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::processes::clock;
use crate::processes::repair::Cause;
use crate::processes::supervisor::{Supervisor, kill};
use crate::shm::region::Region;
use crate::shm::word::{Phase, Word};
use crate::sys::process;

/// When a running call is to be ended, and why.
pub(in crate::processes) struct Due {
    slot: usize,
    generation: u32,
    /// On the monotonic clock, in nanoseconds.
    at: u64,
    cause: Cause,
}

/// The end of a worker, under way: its call sees the word's bit, then it gets SIGTERM, then SIGKILL.
pub(in crate::processes) struct Ending {
    pub(in crate::processes) cause: Cause,
    /// At once, unless the call asks whether it is to end; `None` once it was sent.
    term_at: Option<u64>,
    /// `u64::MAX` once it was sent.
    kill_at: u64,
}

/// How long before the end of the grace SIGKILL is sent, at most: dying takes time, too.
const DYING: u64 = 10_000_000;

impl Ending {
    /// The end of a call that is due; the grace counts from its deadline, or from now when it is cancelled.
    fn of(due: Due, now: u64, grace: u64, asks: bool) -> Ending {
        let from = if due.at == 0 { now } else { due.at };
        let most = grace - (grace / 10).min(DYING);
        Ending {
            cause: due.cause,
            term_at: Some(if asks { now.saturating_add(grace / 2) } else { now }),
            // A supervisor that comes late itself leaves some of it.
            kill_at: from.saturating_add(most).max(now.saturating_add(grace / 2)),
        }
    }

    /// Does what is due; when the next step is.
    fn go_on(&mut self, worker: Pid, now: u64) -> u64 {
        if self.kill_at <= now {
            kill(worker);
            (self.term_at, self.kill_at) = (None, u64::MAX);
        } else if self.term_at.is_some_and(|at| at <= now) {
            let _ = process::kill_group(worker, Signal::SIGTERM);
            // A stopped process meets no SIGTERM until it goes on.
            let _ = process::kill_group(worker, Signal::SIGCONT);
            self.term_at = None;
        }
        self.term_at.unwrap_or(u64::MAX).min(self.kill_at)
    }
}

impl Supervisor {
    /// Announces when the supervisor looks next, after doing what is due.
    pub(in crate::processes) fn set_alarm(&mut self) -> u64 {
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
        let own = self.retry_at.unwrap_or(u64::MAX).min(self.cooling.alarm());
        let mut alarm = own.min(self.end_stopped(now)).min(self.end_undecided(now));
        for (index, seat) in self.seats.iter_mut().enumerate() {
            let Some(pid) = seat.pid else { continue };
            if let Some(end) = &mut seat.end {
                alarm = alarm.min(end.go_on(pid, now));
                continue;
            }
            let Some(due) = deadline(&self.region, index) else { continue };
            if due.at > now {
                alarm = alarm.min(due.at);
            } else if self.region.slot(due.slot).state.expire(index as u16, due.generation) {
                let asks = self.region.worker(index).asks.load(Relaxed) == due.generation;
                let mut end = Ending::of(due, now, clock::nanoseconds(self.grace), asks);
                alarm = alarm.min(end.go_on(pid, now));
                seat.end = Some(end);
            }
        }
        alarm
    }
}

/// When the call that `worker` runs is to be ended; `None` when it may run as long as it likes.
pub(in crate::processes) fn deadline(region: &Region, worker: usize) -> Option<Due> {
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
    let at = region.worker(worker).started.load(Relaxed).saturating_add(nanoseconds);
    (nanoseconds != 0).then_some(Due { slot, generation, at, cause: Cause::TimedOut { nanoseconds } })
}
