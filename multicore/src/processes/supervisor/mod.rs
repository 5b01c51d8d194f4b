//! The supervisor: one thread, no user code. Forks workers, watches them, enforces deadlines, puts
//! what a dead worker left back in order, and leaves nobody behind.

pub(crate) mod arrival;
pub(crate) mod birth;
pub(crate) mod cell;
pub(crate) mod cooling;
pub(crate) mod deadline;
pub(crate) mod handout;
pub(crate) mod retries;
pub(crate) mod shares;
pub(crate) mod stopped;
pub(crate) mod storm;

use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::Signal;
use nix::sys::time::TimeSpec;
use nix::unistd::Pid;

use self::cooling::Cooling;
use self::deadline::Ending;
use self::handout::Handout;
use self::retries::Retries;
use self::shares::Shares;
use self::storm::Storm;
use crate::config::Limits;
use crate::error::Error;
use crate::processes::clock;
use crate::processes::control::{self, Order, Word as Say};
use crate::processes::repair::{self, Cause};
use crate::processes::roster::Roster;
use crate::processes::spin::Patience;
use crate::registry::Registry;
use crate::report::WireExit;
use crate::shm::note::wipe;
use crate::shm::region::Region;
use crate::shm::tally::Replaced;
use crate::sys::fault::point;
use crate::sys::process::{End, Reaped};
use crate::sys::{eventfd, poll, process};

/// How often in a row a worker may fail to become ready.
pub(crate) const RESTART_LIMIT: u32 = 10;

/// Becomes the supervisor of the pool whose client holds the other end of `control`.
///
/// `prefix_len` bytes in front of the first message authenticate an exec'd supervisor and were
/// checked before.
pub(crate) fn supervise(mut control: OwnedFd, prefix_len: usize) -> ! {
    let opened = Supervisor::begin(&mut control, prefix_len).and_then(|supervisor| {
        let Some(mut supervisor) = supervisor else { return Ok(None) };
        supervisor.open(&control).map(|()| Some(supervisor))
    });
    let code = match opened {
        Ok(Some(supervisor)) => supervisor.run(&control),
        Ok(None) => 0,
        // Workers die with this process.
        Err(error) => {
            // The client may be gone, which is as good an end.
            let _ = control::send(control.as_fd(), b"", &Say::refused(&error), &[]);
            1
        }
    };
    process::flush_output();
    process::exit_now(code)
}

/// One place in the row of workers.
#[derive(Default)]
pub(in crate::processes) struct Seat {
    /// The process, while there is one.
    pub(in crate::processes) pid: Option<Pid>,
    /// How the supervisor ends it, if it does.
    pub(in crate::processes) end: Option<Ending>,
    /// When it was forked.
    pub(in crate::processes) born: u64,
    /// Since when it is stopped, if it is.
    pub(in crate::processes) stopped: Option<u64>,
    /// Where it asks for shared data.
    pub(in crate::processes) asks: Option<OwnedFd>,
}

pub(in crate::processes) struct Supervisor {
    pub(in crate::processes) region: Arc<Region>,
    pub(in crate::processes) registry: &'static Registry,
    pub(in crate::processes) client: OwnedFd,
    /// Never written: the client sees its end when supervisor and workers are all gone.
    pub(in crate::processes) lifeline: OwnedFd,
    /// Not among what workers keep.
    pub(in crate::processes) roster: Roster,
    pub(in crate::processes) kept_by_workers: Vec<RawFd>,
    pub(in crate::processes) children: OwnedFd,
    pub(in crate::processes) kick: OwnedFd,
    pub(in crate::processes) grace: Duration,
    pub(in crate::processes) limits: Limits,
    /// In a sandboxed pool calls go through the supervisor's hands.
    pub(in crate::processes) handout: Option<Handout>,
    pub(in crate::processes) faults: bool,
    pub(in crate::processes) patience: Patience,
    pub(in crate::processes) name: String,
    pub(in crate::processes) seats: Vec<Seat>,
    /// Workers in a row that never became ready, and what ended the last.
    pub(in crate::processes) failures: u32,
    pub(in crate::processes) last_failure: String,
    /// When the next worker may be tried after a failure.
    pub(in crate::processes) retry_at: Option<u64>,
    pub(in crate::processes) storm: Storm,
    pub(in crate::processes) retries: Retries,
    pub(in crate::processes) shares: Shares,
    pub(in crate::processes) draining: bool,
    pub(in crate::processes) cooling: Cooling,
}

enum Next {
    Go,
    Leave,
}

impl Supervisor {
    fn run(mut self, control: &OwnedFd) -> i32 {
        loop {
            while let Some(reaped) = self.reap() {
                self.bury(&reaped);
            }
            self.see_stops();
            // Whatever a worker made of it.
            self.region.head().draining.store(u32::from(self.draining), SeqCst);
            self.fill_seats();
            self.hand_out();
            if self.failures >= RESTART_LIMIT && !self.any_ready() {
                let word =
                    Say::GaveUp { times: self.failures.min(RESTART_LIMIT), cause: self.last_failure.clone() };
                let _ = control::send(control.as_fd(), b"", &word, &[]);
                self.end_all();
                return 1;
            }
            if self.draining && self.seats.iter().all(|seat| seat.pid.is_none()) {
                if !repair::any_ready(&self.region) {
                    self.end_all();
                    return 0;
                }
                // Accepted since the seats were looked at, or its worker is to be tried again later.
                if self.retry_at.is_none() {
                    continue;
                }
            }
            self.cool_down();
            let alarm = self.set_alarm();
            self.pass_ends_on();
            let alarm = if self.announce_idle() { 0 } else { alarm };
            let next = self.sleep(control, alarm);
            self.withdraw_idle();
            match next {
                Next::Go => {}
                Next::Leave => {
                    self.end_all();
                    return 0;
                }
            }
        }
    }

    /// Waits for a message, a death, a kick or the alarm.
    fn sleep(&mut self, control: &OwnedFd, alarm: u64) -> Next {
        let left = Duration::from_nanos(alarm.saturating_sub(clock::now()));
        let wait = (alarm != u64::MAX).then(|| TimeSpec::from_duration(left));
        let bells = self.handout.iter().flat_map(Handout::bells);
        let own = [control, &self.client, &self.children, &self.kick].map(AsFd::as_fd);
        let bell_count = self.handout.iter().flat_map(Handout::bells).count();
        let all = own.into_iter().chain(bells).chain(self.questions());
        let mut fds: Vec<_> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match ppoll(&mut fds, wait, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => {
                // It would hear of nothing any more.
                let word = Say::refused(&Error::os("poll", error));
                let _ = control::send(control.as_fd(), b"", &word, &[]);
                return Next::Leave;
            }
        }
        let heard: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let [control_ready, client_gone, child, kicked] = [0, 1, 2, 3].map(|at| heard[at]);
        if client_gone {
            return Next::Leave;
        }
        if child {
            let _ = eventfd::drain(self.children.as_fd());
        }
        if kicked {
            let _ = eventfd::drain(self.kick.as_fd());
        }
        let (bells, questions) = heard[own.len()..].split_at(bell_count);
        if let Some(handout) = &self.handout {
            handout.silence(bells);
        }
        if control_ready && !self.hear_out(control) {
            return Next::Leave;
        }
        self.pass_on_what_is_gone();
        // After all that the client has said: a worker asks for what it has said before.
        self.answer(questions);
        Next::Go
    }

    /// Does all that the client has asked for so far; whether to go on.
    fn hear_out(&mut self, control: &OwnedFd) -> bool {
        let mut more = true;
        while more {
            match control::receive_what_fits::<Order>(control.as_fd(), Some(Duration::ZERO)) {
                Ok(Some((Order::Drain, _))) => {
                    self.draining = true;
                    self.region.head().draining.store(1, SeqCst);
                    repair::wake_workers(&self.region);
                }
                Ok(Some((Order::Warm, _))) => self.cooling.put_off(),
                // Going round is looking.
                Ok(Some((Order::Look, _))) => {}
                Ok(Some((Order::Bound { slot, generation, most }, _))) => {
                    self.retries.bound(slot, generation, most);
                }
                Ok(Some((Order::Share { id, len }, fds))) => self.shares.add(id, len, fds),
                Ok(Some((Order::LetGo { ids }, _))) => self.shares.remove(&ids),
                // Stopped, gone, or talking nonsense: all are the end.
                _ => return false,
            }
            more = poll::readable(control.as_fd(), Some(Duration::ZERO)).unwrap_or(false);
        }
        true
    }

    /// Whether there is a worker that became ready. A pool that has one goes on, however often the
    /// others fail.
    fn any_ready(&self) -> bool {
        let ready = |index| self.region.worker(index).ready.load(SeqCst) != 0;
        self.seats.iter().enumerate().any(|(index, seat)| seat.pid.is_some() && ready(index))
    }

    /// Takes one dead child, and whatever is left of its process group with it.
    fn reap(&self) -> Option<Reaped> {
        let pid = process::peek_dead()?;
        // While the dead process is not yet collected its number, and so its group's, is not reused.
        if let Some(seat) = self.seats.iter().position(|seat| seat.pid == Some(pid)) {
            let _ = process::kill_group(pid, Signal::SIGKILL);
            self.roster.strike(seat);
        }
        process::reap(pid)
    }

    /// Settles what a dead worker left, and counts it if it never became ready.
    fn bury(&mut self, reaped: &Reaped) {
        let Some(index) = self.seats.iter().position(|seat| seat.pid == Some(reaped.pid)) else { return };
        point("reaped");
        let seat = std::mem::take(&mut self.seats[index]);
        let left = self.vacate(index);
        let record = self.region.worker(index);
        let (words, breadcrumb) = (record.words.get(), record.breadcrumb.get());
        let exit = match reaped.end {
            End::Signal(_) if record.stack_overflow.load(Relaxed) != 0 => WireExit::StackOverflow,
            End::Signal(number) => WireExit::Signal(number),
            End::Code(code) => WireExit::Code(code),
        };
        // With no call to die of, and none of those that `failed` counts.
        let for_nothing = record.calls.load(Relaxed) == 0 && record.ready.load(SeqCst) != 0;
        if record.ready.load(SeqCst) == 0 && seat.end.is_none() {
            let cause = words.clone().unwrap_or_else(|| format!("the worker {}", crate::Exit::from(exit)));
            self.failed(cause);
        } else {
            self.failures = 0;
        }
        if for_nothing && let Some(at) = self.storm.died(seat.born, clock::now()) {
            self.retry_at = Some(self.retry_at.map_or(at, |other| other.max(at)));
        }
        let cause = seat.end.map(|end| end.cause);
        if !self.draining {
            self.region.tally(index).count_end(self.why_replaced(index, cause, &reaped.end));
        }
        let misdeed = left.as_ref().and_then(|left| left.misdeed).map(str::to_owned);
        let death = repair::Death {
            worker: index as u16,
            pid: reaped.pid.as_raw(),
            exit,
            // One whose time was up, counted from the handing out, is over whether it had begun or not.
            begun: cause.is_some() || left.is_none_or(|left| left.begun),
            words: misdeed.or_else(|| last_words(words, exit)),
            breadcrumb,
            cause,
            cpu: reaped.cpu,
            peak_memory: reaped.peak_memory,
        };
        self.retries.count(&self.region, death.worker);
        repair::after_death(&self.region, &death);
        point("repaired");
        // The dead worker may have been about to wake somebody.
        repair::wake_workers(&self.region);
    }

    /// Why a worker that has ended is replaced.
    fn why_replaced(&self, index: usize, cause: Option<Cause>, end: &End) -> Replaced {
        match (cause, end) {
            (Some(Cause::TimedOut { .. }), _) => Replaced::TimedOut,
            (Some(Cause::Cancelled), _) => Replaced::Cancelled,
            (None, End::Code(0)) if self.limits.recycle() && !repair::runs(&self.region, index as u16) => {
                Replaced::Recycled
            }
            (None, _) => Replaced::Died,
        }
    }

    /// A worker could not be made, or never became ready.
    pub(in crate::processes) fn failed(&mut self, cause: String) {
        self.failures += 1;
        self.last_failure = cause;
        // 1, 2, 4 … 512 ms: ten failures take about a second, and no storm.
        self.retry_at = Some(clock::now() + (1_000_000 << self.failures.min(9)) / 2);
    }

    /// Kills and collects every worker and everything they left to this process.
    fn end_all(&self) {
        for (index, seat) in self.seats.iter().enumerate() {
            if let Some(pid) = seat.pid {
                kill(pid);
                self.roster.strike(index);
            }
        }
        // Whatever the workers' children leave is adopted here, generation by generation.
        for _ in 0..1000 {
            for child in process::children().unwrap_or_default() {
                let _ = process::kill(child, Signal::SIGKILL);
            }
            match process::reap_next() {
                // Their calls did not die of themselves: the client knows why the pool ends.
                Some(_) => {}
                None => return,
            }
        }
    }
}

/// A panic that was caught is not what ends a worker otherwise.
fn last_words(words: Option<String>, exit: WireExit) -> Option<String> {
    if !matches!(exit, WireExit::Signal(libc::SIGABRT)) {
        words.into_iter().for_each(wipe);
        return None;
    }
    words
}

/// Kills a worker and its group; also one that has left its group, or does not lead it yet.
pub(in crate::processes) fn kill(worker: Pid) {
    let _ = process::kill_group(worker, Signal::SIGKILL);
    let _ = process::kill(worker, Signal::SIGKILL);
}
