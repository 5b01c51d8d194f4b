//! The supervisor: one thread, no user code. Forks workers, watches them, enforces deadlines, puts
//! what a dead worker left back in order, and leaves nobody behind.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::control::{self, Hello, Order, Word as Say};
use super::repair::{self, Cause};
use super::worker::Worker;
use super::{clock, map};
use crate::error::{Error, Result};
use crate::registry::{Registry, registry};
use crate::report::WireExit;
use crate::shm::region::Region;
use crate::shm::word::Word;
use crate::sys::fault::point;
use crate::sys::process::{End, Fork, Reaped};
use crate::sys::{eventfd, futex, pidfd, process, signals, stack};

/// How often in a row a worker may fail to become ready.
pub(crate) const RESTART_LIMIT: u32 = 10;
/// How long the client's first message may take.
const HELLO_TIMEOUT: Duration = Duration::from_secs(30);

/// Becomes the supervisor of the pool whose client holds the other end of `control`.
///
/// `prefix_len` bytes in front of the first message authenticate an exec'd supervisor and were
/// checked before.
pub(crate) fn supervise(mut control: OwnedFd, prefix_len: usize) -> ! {
    let code = match Supervisor::begin(&mut control, prefix_len) {
        Ok(Some(supervisor)) => supervisor.run(&control),
        Ok(None) => 0,
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
struct Seat {
    /// The process, while there is one.
    pid: Option<Pid>,
    /// When the worker is killed, because it did not leave when asked to.
    kill_at: Option<u64>,
    /// Why the supervisor ends it.
    cause: Option<Cause>,
}

struct Supervisor {
    region: Arc<Region>,
    registry: &'static Registry,
    client: OwnedFd,
    /// Never written: the client sees its end when supervisor and workers are all gone.
    _lifeline: OwnedFd,
    kept_by_workers: Vec<RawFd>,
    children: OwnedFd,
    kick: OwnedFd,
    grace: Duration,
    name: String,
    seats: Vec<Seat>,
    /// Workers in a row that never became ready, and what ended the last.
    failures: u32,
    last_failure: String,
    /// When the next worker may be tried after a failure.
    retry_at: Option<u64>,
    draining: bool,
}

enum Next {
    Go,
    Leave,
}

impl Supervisor {
    fn begin(control: &mut OwnedFd, prefix_len: usize) -> Result<Option<Supervisor>> {
        signals::reset_all();
        signals::for_supervisor()?;
        // Refused to the leader of a session, which leads a group already.
        let _ = process::own_group();
        process::become_subreaper()?;
        let received = control::receive::<Hello>(control.as_fd(), prefix_len, Some(HELLO_TIMEOUT))?;
        let Some((hello, fds)) = received else { return Ok(None) };
        process::stdin_from_nothing()?;
        let [file, client, lifeline] = take_places(control, fds, &hello.keep_fds)?;
        process::set_name(&format!("{}: supervisor", short(&hello.name)));
        let registry = registry()?;
        if registry.digest() != hello.digest {
            control::send(control.as_fd(), b"", &Say::OtherTasks { digest: registry.digest() }, &[])?;
            return Ok(None);
        }
        let file = Arc::new(file);
        let region = Arc::new(map::map(file.clone(), hello.geometry)?);
        let children = signals::signal_fd_for_children()?;
        let kick = eventfd::create()?;
        let mut kept_by_workers = [&file, &lifeline, &kick].map(AsRawFd::as_raw_fd).to_vec();
        kept_by_workers.extend(&hello.keep_fds);
        let own = [&*control, &client, &children].map(AsRawFd::as_raw_fd);
        process::close_all_but(&[&own[..], &kept_by_workers].concat());
        let own = pidfd::of_self()?;
        control::send(control.as_fd(), b"", &Say::Ready, &[own.as_fd()])?;
        let seats = (0..hello.geometry.workers).map(|_| Seat::default()).collect();
        Ok(Some(Supervisor {
            region,
            registry,
            client,
            _lifeline: lifeline,
            kept_by_workers,
            children,
            kick,
            grace: hello.grace,
            name: hello.name,
            seats,
            failures: 0,
            last_failure: String::new(),
            retry_at: None,
            draining: false,
        }))
    }

    fn run(mut self, control: &OwnedFd) -> i32 {
        loop {
            while let Some(reaped) = self.reap() {
                self.bury(&reaped);
            }
            self.fill_seats();
            if self.failures >= RESTART_LIMIT && !self.any_ready() {
                let word = Say::GaveUp { times: self.failures, cause: self.last_failure.clone() };
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
            let alarm = self.set_alarm();
            match self.sleep(control, alarm) {
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
        let wait = match alarm {
            u64::MAX => PollTimeout::NONE,
            _ => {
                let nanoseconds = alarm.saturating_sub(clock::now());
                let milliseconds = nanoseconds.div_ceil(1_000_000).min(i32::MAX as u64) as i32;
                PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
            }
        };
        let mut fds = [control, &self.client, &self.children, &self.kick]
            .map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN));
        // EINTR: go round.
        let _ = nix::poll::poll(&mut fds, wait);
        let [control_ready, client_gone, child, kicked] = fds.map(|fd| fd.any().unwrap_or(false));
        if client_gone {
            return Next::Leave;
        }
        if child {
            let _ = signals::drain(self.children.as_fd());
        }
        if kicked {
            let _ = eventfd::drain(self.kick.as_fd());
        }
        if !control_ready {
            return Next::Go;
        }
        match control::receive::<Order>(control.as_fd(), 0, Some(Duration::ZERO)) {
            Ok(Some((Order::Drain, _))) => {
                self.draining = true;
                self.region.head().draining.store(1, SeqCst);
                self.wake_all();
                Next::Go
            }
            // Stopped, gone, or talking nonsense: all are the end.
            _ => Next::Leave,
        }
    }

    /// Forks a worker for each empty seat that still needs one.
    fn fill_seats(&mut self) {
        if self.retry_at.is_some_and(|at| clock::now() < at) {
            return;
        }
        self.retry_at = None;
        for index in 0..self.seats.len() {
            if self.seats[index].pid.is_some() || self.draining && !repair::any_ready(&self.region) {
                continue;
            }
            if self.retry_at.is_some() {
                return;
            }
            let record = self.region.worker(index);
            record.ready.store(0, Relaxed);
            record.current.store(0, Relaxed);
            record.stack_overflow.store(0, Relaxed);
            let _ = record.take_words();
            let supervisor = Pid::this();
            match process::fork() {
                Ok(Fork::Parent(pid)) => {
                    point("forked");
                    self.seats[index] = Seat { pid: Some(pid), ..Seat::default() };
                }
                Ok(Fork::Child) => self.become_worker(index, supervisor),
                Err(error) => self.failed(error.to_string()),
            }
        }
    }

    /// Whether there is a worker that became ready. A pool that has one goes on, however often the
    /// others fail.
    fn any_ready(&self) -> bool {
        let ready = |index| self.region.worker(index).ready.load(SeqCst) != 0;
        self.seats.iter().enumerate().any(|(index, seat)| seat.pid.is_some() && ready(index))
    }

    /// In the forked child.
    fn become_worker(&self, index: usize, supervisor: Pid) -> ! {
        let _ = process::own_group();
        if !process::die_with_parent(supervisor) {
            process::exit_now(0);
        }
        signals::reset_all();
        let _ = signals::for_worker();
        process::close_all_but(&self.kept_by_workers);
        process::set_name(&format!("{}: worker {index}", short(&self.name)));
        process::set_oom_score(1000);
        // The process ends without ever giving it back.
        let region: &'static Region = Box::leak(Box::new(self.region.clone()));
        // Without it an overflow is a plain SIGSEGV.
        let _ = stack::install(&region.worker(index).stack_overflow);
        Worker { index, region, registry: self.registry, kick: &self.kick }.work()
    }

    /// Takes one dead child, and whatever is left of its process group with it.
    fn reap(&self) -> Option<Reaped> {
        let pid = process::peek_dead()?;
        // While the dead process is not yet collected its number, and so its group's, is not reused.
        if self.seats.iter().any(|seat| seat.pid == Some(pid)) {
            let _ = process::kill_group(pid, Signal::SIGKILL);
        }
        process::reap(pid)
    }

    /// Settles what a dead worker left, and counts it if it never became ready.
    fn bury(&mut self, reaped: &Reaped) {
        let Some(index) = self.seats.iter().position(|seat| seat.pid == Some(reaped.pid)) else { return };
        point("reaped");
        let seat = std::mem::take(&mut self.seats[index]);
        let record = self.region.worker(index);
        let words = record.take_words();
        let exit = match reaped.end {
            End::Signal(_) if record.stack_overflow.load(Relaxed) != 0 => WireExit::StackOverflow,
            End::Signal(number) => WireExit::Signal(number),
            End::Code(code) => WireExit::Code(code),
        };
        if record.ready.load(SeqCst) == 0 && seat.cause.is_none() {
            let cause = words.clone().unwrap_or_else(|| format!("the worker {}", crate::Exit::from(exit)));
            self.failed(cause);
        } else {
            self.failures = 0;
        }
        let death = repair::Death {
            worker: index as u16,
            pid: reaped.pid.as_raw(),
            exit,
            words,
            cause: seat.cause,
            cpu: reaped.cpu,
            peak_memory: reaped.peak_memory,
        };
        repair::after_death(&self.region, &death);
        point("repaired");
        self.wake_all();
    }

    fn failed(&mut self, cause: String) {
        self.failures += 1;
        self.last_failure = cause;
        // 1, 2, 4 … 512 ms: ten failures take about a second, and no storm.
        self.retry_at = Some(clock::now() + (1_000_000 << self.failures.min(9)) / 2);
    }

    /// The dead worker may have been about to wake somebody.
    fn wake_all(&self) {
        for index in 0..self.seats.len() {
            let record = self.region.worker(index);
            record.wake.fetch_add(1, SeqCst);
            futex::wake(&record.wake, i32::MAX);
        }
    }

    /// Announces when the supervisor looks next, after doing what is due.
    fn set_alarm(&mut self) -> u64 {
        let mut alarm = self.enforce();
        loop {
            self.region.head().next_alarm.store(alarm, SeqCst);
            std::sync::atomic::fence(SeqCst);
            // A call that began since then compared itself with an older announcement.
            match self.enforce() {
                earlier if earlier < alarm => alarm = earlier,
                _ => return alarm,
            }
        }
    }

    /// Ends workers whose call is over its deadline; the next moment at which something is due.
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
            let Some(due) = repair::deadline(&self.region, index) else { continue };
            if due.at > now {
                alarm = alarm.min(due.at);
            } else if self.region.slot(due.slot).state.expire(index as u16, due.generation) {
                seat.cause = Some(Cause::TimedOut { nanoseconds: due.limit });
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

    /// Kills and collects every worker and everything they left to this process.
    fn end_all(&self) {
        for seat in &self.seats {
            if let Some(pid) = seat.pid {
                kill(pid);
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

/// The supervisor's own descriptors, out of the way of those that workers keep, which are put under
/// their numbers.
fn take_places(control: &mut OwnedFd, fds: Vec<OwnedFd>, numbers: &[RawFd]) -> Result<[OwnedFd; 3]> {
    let highest = numbers.iter().copied().max().unwrap_or(0).max(2);
    let lifted: Vec<OwnedFd> = fds.iter().map(|fd| process::lift(fd, highest)).collect::<Result<_>>()?;
    *control = process::lift(control, highest)?;
    drop(fds);
    let mut lifted = lifted.into_iter();
    let (Some(file), Some(client), Some(lifeline)) = (lifted.next(), lifted.next(), lifted.next()) else {
        return Err(Error::config("the first message", "it carries fewer descriptors than three"));
    };
    for (fd, number) in lifted.zip(numbers) {
        process::place(fd, *number)?;
    }
    Ok([file, client, lifeline])
}

/// Kills a worker and its group; also one that has left its group, or does not lead it yet.
fn kill(worker: Pid) {
    let _ = process::kill_group(worker, Signal::SIGKILL);
    let _ = process::kill(worker, Signal::SIGKILL);
}

/// The kernel keeps fifteen bytes of a process's name.
fn short(name: &str) -> &str {
    let mut end = name.len().min(6);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
