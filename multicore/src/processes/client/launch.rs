//! The two ways to a supervisor. Either gives a process at the other end of a control socket, which comes to
//! life while the client prepares the pool, and waits for its [`Hello`](crate::processes::control::Hello) there.

use std::collections::hash_map::RandomState;
use std::env;
use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::socket::Shutdown;
use nix::unistd::Pid;

use crate::config::{Settings, Start};
use crate::error::{Error, Result};
use crate::processes::client::template;
use crate::processes::control::{self, Word as Say};
use crate::processes::supervisor::supervise;
use crate::sys::{entry, pidfd, process, signals, socket};

/// The start method that this program settled on.
static METHOD: OnceLock<Start> = OnceLock::new();

/// How long one that is not wanted may take to leave.
const LEAVE: Duration = Duration::from_secs(5);

/// The method in force, `wanted` if none was.
///
/// # Errors
/// `Config` when the program settled on the other one.
pub(crate) fn settle_method(wanted: Option<Start>) -> Result<Start> {
    let method = *METHOD.get_or_init(|| wanted.unwrap_or(Start::Exec));
    match wanted {
        Some(wanted) if wanted != method => Err(Error::config(
            "start",
            format!("this program starts its workers by {method:?} already and cannot change to {wanted:?}"),
        )),
        _ => Ok(method),
    }
}

/// The method in force, if there is one yet.
pub(crate) fn method() -> Option<Start> {
    METHOD.get().copied()
}

/// Where a supervisor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From this executable, or the template that is there.
    AsSettled,
    /// From the template, which is forked now if it is not there yet.
    ThisMoment,
}

impl Origin {
    /// The method that this is, if it is one only.
    pub(crate) fn method(self) -> Option<Start> {
        (self == Origin::ThisMoment).then_some(Start::Fork)
    }
}

/// A process on its way to be a supervisor. Whoever has no use for it [gives it up](Launched::give_up).
#[must_use = "the process is to be collected"]
pub(crate) struct Launched {
    pub(super) control: OwnedFd,
    /// `None` until the template has told.
    pub(super) pid: Option<Pid>,
    /// What its first message begins with.
    pub(super) marker: String,
}

/// Starts a process that becomes a supervisor, once it has its first message.
///
/// # Errors
/// `Os`; `Config` where the program cannot be started again, or there is no template; `Threads` where that
/// would have to be forked beside others.
pub(crate) fn launch(method: Start, from: Origin, settings: &Settings) -> Result<Launched> {
    let (control, theirs) = socket::pair()?;
    match method {
        Start::Exec => {
            let marker = entry::marker_value(&secret());
            let pid = exec(theirs, settings, &marker)?;
            Ok(Launched { control, pid: Some(pid), marker })
        }
        Start::Fork => {
            template::supply(&theirs, from)?;
            Ok(Launched { control, pid: None, marker: String::new() })
        }
    }
}

impl Launched {
    /// Ends and collects it.
    pub(crate) fn give_up(self) {
        // It leaves for want of a client, and its end is that of what the template has to tell.
        let _ = nix::sys::socket::shutdown(self.control.as_raw_fd(), Shutdown::Write);
        let pid = self.pid.or_else(|| told_pid(self.control.as_fd()));
        if let Some(pid) = pid {
            if let Ok(process) = pidfd::of(pid)
                && !pidfd::wait_exit(process.as_fd(), Some(LEAVE))
            {
                let _ = pidfd::signal(process.as_fd(), Signal::SIGKILL);
            }
            // Else it would stay a zombie.
            process::collect(pid);
        }
    }
}

/// The pid of a supervisor that failed before the template had told it.
fn told_pid(control: BorrowedFd<'_>) -> Option<Pid> {
    // The supervisor says two things at most, and the template one.
    (0..3).find_map(|_| match control::receive::<Say>(control, 0, Some(LEAVE)) {
        Ok(Some((Say::Started { pid }, _))) => Some(Pid::from_raw(pid)),
        _ => None,
    })
}

fn exec(theirs: OwnedFd, settings: &Settings, marker: &str) -> Result<Pid> {
    if !Path::new("/proc/self/exe").exists() {
        return Err(Error::config("start", "/proc is not mounted, and no worker can be started without it"));
    }
    if !entry::can_exec_self() {
        return Err(Error::config(
            "start",
            "this program's executable does not contain multicore (is it loaded into an interpreter?); \
             call `multicore::initialize()` before any thread is started",
        ));
    }
    let mut arguments = env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    if settings.sandbox.is_some() {
        // It may hold passwords.
        command.env_clear();
    }
    let variables = settings.limits.variables.iter();
    let command = command
        .args(arguments)
        // Workers set them once more; a library's constructor looks before that.
        .envs(variables.map(|(name, value)| (name, value)))
        .env(OsStr::from_bytes(entry::MARKER.to_bytes()), marker)
        .stdin(Stdio::from(theirs));
    let child = command.spawn().map_err(|e| Error::os("posix_spawn", e))?;
    Ok(Pid::from_raw(child.id() as i32))
}

/// Letters that nobody else knows: the standard hasher's keys come from the kernel's random numbers.
fn secret() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

/// Where an exec'd process goes on after it was turned aside before its main; sys/entry.rs has
/// checked the marker against the first message.
pub(crate) fn turned_aside(marker: &str) {
    let Ok(control) = std::io::stdin().as_fd().try_clone_to_owned() else { return };
    // What it inherited, and what a library's constructor made of it.
    signals::reset_all();
    supervise(control, marker.len())
}
