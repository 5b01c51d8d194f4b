//! The client's hold on its supervisor: a control socket, a pidfd and a lifeline.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, pipe2};

use crate::config::{Settings, Start};
use crate::error::{Error, Result};
use crate::processes::client::launch::{Launched, Origin, launch};
use crate::processes::client::patrol::ROUND;
use crate::processes::client::shares;
use crate::processes::control::{self, Hello, Order, Word as Say};
use crate::processes::roster::Roster;
use crate::processes::supervisor::RESTART_LIMIT;
use crate::shared::data::Data;
use crate::sys::process::Stat;
use crate::sys::{pidfd, poll, process};

/// How long a new supervisor may take to answer.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long workers usually take to follow their supervisor.
const AT_ONCE: Duration = Duration::from_millis(20);

/// What failed where a supervisor ended without a word.
const DIED: &str = "supervisor";

/// Whether this is the death of a process that was to supervise, and another one may do.
pub(crate) fn is_death(error: &Error) -> bool {
    matches!(error, Error::Os { call: DIED, .. })
}

/// A live supervisor.
pub(crate) struct Link {
    /// The client's child, which it collects itself.
    pid: Pid,
    control: OwnedFd,
    supervisor: OwnedFd,
    /// The reading end of a pipe whose writing end supervisor and workers hold and never use: its
    /// end comes when they are all gone.
    lifeline: OwnedFd,
    roster: Roster,
}

impl Link {
    /// Has a process that was launched supervise the region in `file`; `meanwhile` is done while it sets to work.
    ///
    /// # Errors
    /// `Os`; `Registry` when it knows other tasks; that of `meanwhile`.
    pub(crate) fn start(
        mut launched: Launched,
        file: &OwnedFd,
        bell: Option<&OwnedFd>,
        hello: &Hello,
        kept: &[OwnedFd],
        meanwhile: impl FnOnce() -> Result<()>,
    ) -> Result<Link> {
        match begin(&mut launched, file, bell, hello, kept, meanwhile) {
            Ok((pid, supervisor, lifeline, roster)) => {
                Ok(Link { pid, control: launched.control, supervisor, lifeline, roster })
            }
            Err(error) => {
                launched.give_up();
                Err(error)
            }
        }
    }

    /// Has a new process supervise the region: the first of [`RESTART_LIMIT`] that does.
    ///
    /// # Errors
    /// That of the last one.
    pub(crate) fn restart(
        method: Start,
        settings: &Settings,
        file: &OwnedFd,
        bell: Option<&OwnedFd>,
        hello: &Hello,
        kept: &[OwnedFd],
    ) -> Result<Link> {
        let mut attempt = 0;
        loop {
            let link = launch(method, Origin::AsSettled, settings)
                .and_then(|launched| Link::start(launched, file, bell, hello, kept, || Ok(())));
            if link.is_ok() || attempt == RESTART_LIMIT - 1 {
                return link;
            }
            std::thread::sleep(Duration::from_millis(1 << attempt));
            attempt += 1;
        }
    }

    /// Whether the supervisor has ended.
    pub(crate) fn has_ended(&self) -> bool {
        pidfd::has_exited(self.supervisor.as_fd())
    }

    /// Why it ended, if it said so.
    pub(crate) fn last_word(&self, digest: u64) -> Option<Error> {
        let received = control::receive::<Say>(self.control.as_fd(), 0, Some(Duration::ZERO));
        received.ok().flatten().map(|(word, _)| refusal(word, digest))
    }

    /// Tells the supervisor something; that it is gone is seen elsewhere.
    pub(crate) fn tell(&self, order: &Order) {
        let _ = control::send(self.control.as_fd(), b"", order, &[]);
    }

    /// As [`tell`](Link::tell), with descriptors; what came of it.
    pub(crate) fn try_tell(&self, order: &Order, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        control::send(self.control.as_fd(), b"", order, fds).map_err(|error| match error {
            Error::Os { source, .. } => source,
            other => io::Error::other(other),
        })
    }

    /// Tells a new supervisor of all that is shared already, as its hello has announced. One that does not
    /// listen is ended: its workers may be at work, so its successor is left to the next look.
    pub(crate) fn hand_over(&self, data: &[Arc<Data>]) {
        let start = Instant::now();
        for one in data {
            while let Err(why) = shares::share(self, one) {
                if !shares::is_momentary(&why) || start.elapsed() > READY_TIMEOUT {
                    return self.kill();
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Ends the supervisor; its workers die with it.
    pub(crate) fn kill(&self) {
        if pidfd::signal(self.supervisor.as_fd(), Signal::SIGKILL).is_err() {
            // The client changed its user since: it can still ask.
            self.tell(&Order::Stop);
        }
    }

    /// Lets a supervisor go on that somebody stopped: nobody else would notice a deadline.
    pub(crate) fn go_on_if_stopped(&self) {
        if process::stat(self.pid).is_some_and(|stat| stat.is_stopped()) {
            let _ = pidfd::signal(self.supervisor.as_fd(), Signal::SIGCONT);
        }
    }

    /// Waits for the supervisor's end; whether it came in time.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let start = Instant::now();
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            if pidfd::wait_exit(self.supervisor.as_fd(), Some(left.min(ROUND))) {
                return true;
            }
            if left.is_zero() {
                return false;
            }
            self.go_on_if_stopped();
        }
    }

    /// Ends what a dead supervisor left, and waits until no worker lives; whether that came in time.
    pub(crate) fn wait_for_workers(&self, timeout: Duration) -> bool {
        if !self.has_ended() {
            return false;
        }
        let mut gone = self.are_workers_gone(AT_ONCE);
        if !gone {
            // One that the kernel does not kill, or a copy that one made of itself.
            self.roster.end_families();
            gone = self.are_workers_gone(timeout);
        }
        // Now that nobody puts its name down any more.
        self.roster.end_families();
        gone
    }

    fn are_workers_gone(&self, timeout: Duration) -> bool {
        // The end alone: a worker that means harm may write.
        let mut fds = [PollFd::new(self.lifeline.as_fd(), PollFlags::empty())];
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        matches!(nix::poll::poll(&mut fds, timeout), Ok(1))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // In a fork of the client it is nobody's child here, and left alone.
        pidfd::collect(self.supervisor.as_fd());
    }
}

/// Tells a process what it is to supervise, and waits until it does: its pid, a descriptor of it, the
/// lifeline and the roster.
fn begin(
    launched: &mut Launched,
    file: &OwnedFd,
    bell: Option<&OwnedFd>,
    hello: &Hello,
    kept: &[OwnedFd],
    meanwhile: impl FnOnce() -> Result<()>,
) -> Result<(Pid, OwnedFd, OwnedFd, Roster)> {
    let (lifeline, held) = pipe2(OFlag::O_CLOEXEC).map_err(|e| Error::os("pipe2", e))?;
    let lifeline = process::above_standard(lifeline)?;
    let roster = Roster::new(hello.geometry.workers)?;
    let client = pidfd::of_self()?;
    let control = launched.control.as_fd();
    let mut fds = vec![file.as_fd(), client.as_fd(), held.as_fd(), roster.file().as_fd()];
    fds.extend(bell.into_iter().chain(kept).map(AsFd::as_fd));
    match control::send(control, launched.marker.as_bytes(), hello, &fds) {
        // It may have said why.
        Err(error) if !control::is_gone(&error) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    drop(fds);
    drop(held);
    meanwhile()?;
    let mut ready = None;
    loop {
        if let Some(pid) = launched.pid
            && let Some(supervisor) = ready.take()
        {
            return Ok((pid, supervisor, lifeline, roster));
        }
        match answer(control, launched.pid)? {
            Some((Say::Started { pid }, _)) => launched.pid = Some(Pid::from_raw(pid)),
            Some((Say::Ready, mut fds)) => ready = fds.pop(),
            Some((word, _)) => return Err(refusal(word, hello.digest)),
            None => return Err(Error::os(DIED, std::io::Error::from_raw_os_error(libc::ECHILD))),
        }
    }
}

/// The next word of a new supervisor, which is sent on if somebody stops it; `None` when it is gone, or says
/// nothing.
fn answer(control: BorrowedFd<'_>, pid: Option<Pid>) -> Result<Option<(Say, Vec<OwnedFd>)>> {
    let start = Instant::now();
    // Where the kernel cannot wait, `receive` looks again and again.
    while let Ok(false) = poll::readable(control, Some(ROUND)) {
        if start.elapsed() > READY_TIMEOUT {
            return Ok(None);
        }
        let own = |stat: &Stat| stat.is_stopped() && stat.parent == Pid::this();
        if let Some(stopped) = pid.and_then(process::stat).filter(own) {
            let _ = process::kill(stopped.pid, Signal::SIGCONT);
        }
    }
    control::receive::<Say>(control, 0, Some(READY_TIMEOUT))
}

fn refusal(word: Say, digest: u64) -> Error {
    match word {
        Say::OtherTasks { digest: theirs } => Error::Registry {
            what: format!(
                "client and worker know different tasks: digest {digest:016x} here, {theirs:016x} there; \
                 was the executable replaced while it runs?"
            ),
        },
        Say::Refused { call, errno } if errno != 0 => {
            Error::os(known_call(&call), std::io::Error::from_raw_os_error(errno))
        }
        Say::Refused { call, .. } => Error::config("the supervisor", call),
        Say::GaveUp { times, cause } => Error::RestartLimit { times, cause },
        Say::Ready | Say::Started { .. } => {
            Error::config("the supervisor's answer", "it said twice that it is ready")
        }
    }
}

/// The static name of a call that travelled as text.
fn known_call(call: &str) -> &'static str {
    const KNOWN: [&str; 16] = [
        "dup2",
        "eventfd",
        "fcntl",
        "fcntl(F_GET_SEALS)",
        "fork",
        "fstat",
        "madvise(MADV_DONTDUMP)",
        "madvise(MADV_DONTFORK)",
        "mmap",
        "pidfd_open",
        "pipe2",
        "poll",
        "prctl(PR_SET_CHILD_SUBREAPER)",
        "recvmsg",
        "sendmsg",
        "sigaction",
    ];
    KNOWN.into_iter().find(|known| *known == call).unwrap_or("a call in the supervisor")
}
