//! Parents, children and groups.

use std::ffi::c_int;
use std::fs;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

use super::stat;
use crate::{Error, Result};

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It called `exit` with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// A child that ended, collected: its pid may mean another process from now on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reaped {
    /// The child's pid.
    pub(crate) pid: Pid,
    /// How it ended.
    pub(crate) end: End,
    /// Its time on a core, in its own code and in the kernel, with that of the children it collected.
    pub(crate) cpu: Duration,
    /// The most bytes that it, or one child it collected, had resident at once.
    pub(crate) peak_memory: u64,
}

/// A child that has ended, whichever; `None` when none has. It stays to be [`reap`]ed, so its pid and
/// its group still mean it. Never blocks.
///
/// Only for a process whose every child is ours: it sees what the user's own `wait` waits for.
pub(crate) fn peek_dead() -> Option<Pid> {
    // SAFETY: all zeroes is a valid `siginfo_t`.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    // SAFETY: `info` is a live local of the right type.
    let returned = unsafe { libc::waitid(libc::P_ALL, 0, &mut info, flags) };
    // SAFETY: `waitid` filled the fields of a child's end, or left all at zero.
    let pid = unsafe { info.si_pid() };
    (returned == 0 && pid > 0).then(|| Pid::from_raw(pid))
}

/// A child that was stopped, or went on, since it was last told here, and whether it is stopped; `None`
/// when there is none. Never blocks.
///
/// Only for a process whose every child is ours, as [`peek_dead`].
pub(crate) fn next_stop() -> Option<(Pid, bool)> {
    // SAFETY: all zeroes is a valid `siginfo_t`.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WSTOPPED | libc::WCONTINUED | libc::WNOHANG | libc::__WALL;
    // SAFETY: `info` is a live local of the right type.
    let returned = unsafe { libc::waitid(libc::P_ALL, 0, &mut info, flags) };
    // SAFETY: `waitid` filled the fields of a child's change, or left all at zero.
    let pid = unsafe { info.si_pid() };
    (returned == 0 && pid > 0).then(|| (Pid::from_raw(pid), info.si_code != libc::CLD_CONTINUED))
}

/// Collects a child if it has ended. Never blocks.
pub(crate) fn reap(child: Pid) -> Option<Reaped> {
    wait4(child.as_raw(), libc::WNOHANG)
}

/// Collects the next child that ends; `None` when there is no child. Blocks.
pub(crate) fn reap_next() -> Option<Reaped> {
    wait4(-1, 0)
}

fn wait4(child: libc::pid_t, flags: c_int) -> Option<Reaped> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let pid = loop {
        // SAFETY: both pointers are to live locals of the right type.
        let pid = unsafe { libc::wait4(child, &mut status, flags | libc::__WALL, usage.as_mut_ptr()) };
        if pid != -1 || io::Error::last_os_error().kind() != ErrorKind::Interrupted {
            break pid;
        }
    };
    if pid <= 0 {
        return None;
    }
    // SAFETY: it was zeroed, which is valid, and perhaps filled since.
    let usage = unsafe { usage.assume_init() };
    let end = if libc::WIFEXITED(status) {
        End::Code(libc::WEXITSTATUS(status))
    } else {
        // Without WUNTRACED and tracing there is no third way.
        End::Signal(libc::WTERMSIG(status))
    };
    Some(Reaped {
        pid: Pid::from_raw(pid),
        end,
        cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
        peak_memory: (usage.ru_maxrss as u64).saturating_mul(1024),
    })
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
}

/// The pids of this process's children, adopted and dead ones included.
///
/// A snapshot: while children come and go it may miss some, so a caller that kills repeats until it is
/// empty. Fast where the kernel lists children, a walk through `/proc` elsewhere.
///
/// # Errors
/// `Os` when `/proc` is not mounted.
pub(crate) fn children() -> Result<Vec<Pid>> {
    let listed = children_listed();
    let found = if listed.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        children_found(Pid::this())
    } else {
        listed
    };
    found.map_err(|error| Error::os("read /proc/self/task", error))
}

pub(in crate::sys) fn children_listed() -> io::Result<Vec<Pid>> {
    let mut pids = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        let list = fs::read_to_string(thread?.path().join("children"))?;
        pids.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw));
    }
    Ok(pids)
}

pub(in crate::sys) fn children_found(parent: Pid) -> io::Result<Vec<Pid>> {
    let all = stat::all()?.into_iter();
    Ok(all.filter(|process| process.parent == parent).map(|process| process.pid).collect())
}

/// Has the kernel kill this process when its parent dies, and says whether `expected_parent` still
/// lives; when it says `false`, the parent was faster and the caller ends itself.
///
/// The signal follows the *thread* that forked, so the parent must have one. A change of user clears
/// it: call this after.
pub(crate) fn die_with_parent(expected_parent: Pid) -> bool {
    prctl::set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == expected_parent
}

/// Makes this process the parent of every descendant whose own parent dies.
///
/// # Errors
/// `Os` from `prctl`.
pub(crate) fn become_subreaper() -> Result<()> {
    prctl::set_child_subreaper(true).map_err(|error| Error::os("prctl(PR_SET_CHILD_SUBREAPER)", error))
}

/// Makes this process the leader of a group of its own, which its children join.
///
/// # Errors
/// `Os` from `setpgid`: EPERM for the leader of a session.
pub(crate) fn own_group() -> Result<()> {
    let this = Pid::from_raw(0);
    nix::unistd::setpgid(this, this).map_err(|error| Error::os("setpgid", error))
}

/// As [`own_group`] for a child that was forked just now, which does the same: whoever is first.
pub(crate) fn lead_group(child: Pid) {
    // Refused where it has done so, or has ended: its group is there or not needed.
    let _ = nix::unistd::setpgid(child, child);
}

/// Sends a signal to one process; one that is gone is no error.
///
/// Only for a child that has not been collected: any other pid may have come to mean a stranger.
///
/// # Errors
/// `Os` from `kill`; EINVAL for a pid below 2, which would mean everybody or process 1.
pub(crate) fn kill(pid: Pid, signal: Signal) -> Result<()> {
    tolerant("kill", one_process(pid).and_then(|()| nix::sys::signal::kill(pid, signal)))
}

/// Sends a signal to every process of a group; a group that is gone is no error.
///
/// # Errors
/// As for [`kill`]; EPERM when not one of them may be signalled.
pub(crate) fn kill_group(group: Pid, signal: Signal) -> Result<()> {
    tolerant("killpg", one_process(group).and_then(|()| nix::sys::signal::killpg(group, signal)))
}

fn one_process(pid: Pid) -> nix::Result<()> {
    if pid.as_raw() > 1 { Ok(()) } else { Err(Errno::EINVAL) }
}

fn tolerant(call: &'static str, outcome: nix::Result<()>) -> Result<()> {
    match outcome {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(Error::os(call, error)),
    }
}
