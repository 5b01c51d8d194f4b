//! What each kind of process does with signals.
//!
//! Dispositions belong to the whole process and pass to its forks: every child first calls
//! [`reset_all`], then the function that names what it is.

use std::ffi::c_int;
use std::io;
use std::mem;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};

use super::{owned, retried};
use crate::{Error, Result};

const LAST_SIGNAL: c_int = 64;

/// Puts every signal back to its default and lets all of them through.
///
/// A client's handler would otherwise run in the child: its self-pipe, say, would swallow the TERM
/// that is meant to end a worker. The two signals that the C library keeps for itself stay as they are.
pub(crate) fn reset_all() {
    for signal in 1..=LAST_SIGNAL {
        // EINVAL for KILL, STOP and the C library's own is what is wanted.
        let _ = handle(signal, libc::SIG_DFL);
    }
    // Cannot fail: the set is valid.
    let _ = SigSet::empty().thread_set_mask();
}

/// A worker: SIGTERM ends it; SIGINT from the terminal is dropped, because the client decides.
///
/// SIGINT is caught, not ignored: a subprocess of the task starts with the default then. SIGPIPE is
/// ignored, as in every Rust program. A worker that reads from the terminal or writes to it is not
/// stopped.
///
/// # Errors
/// `Os` from `sigaction`.
pub(crate) fn for_worker() -> Result<()> {
    drop_quietly(&[Signal::SIGINT])?;
    ignore(&[Signal::SIGPIPE, Signal::SIGTTIN, Signal::SIGTTOU])
}

/// A supervisor: lives as long as its client does, so every polite request to end is dropped.
///
/// A service manager sends TERM to all processes at once, a closed terminal HUP; whether calls are
/// still finished is for the client to say. It ends when its client says so or is gone, or by KILL.
///
/// # Errors
/// `Os` from `sigaction`.
pub(crate) fn for_supervisor() -> Result<()> {
    drop_quietly(&[Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGTERM])?;
    ignore(&[Signal::SIGPIPE, Signal::SIGTTIN, Signal::SIGTTOU])
}

fn drop_quietly(signals: &[Signal]) -> Result<()> {
    extern "C" fn nothing(_signal: c_int) {}
    set(signals, nothing as extern "C" fn(c_int) as libc::sighandler_t)
}

fn ignore(signals: &[Signal]) -> Result<()> {
    set(signals, libc::SIG_IGN)
}

fn set(signals: &[Signal], handler: libc::sighandler_t) -> Result<()> {
    signals
        .iter()
        .try_for_each(|&signal| handle(signal as c_int, handler))
        .map_err(|error| Error::os("sigaction", error))
}

/// Sets one disposition; interrupted calls of the user's code go on.
fn handle(signal: c_int, handler: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: all zeroes is a valid `sigaction`: the default, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: `action` is valid, and `handler` is SIG_DFL, SIG_IGN or a function that does nothing, so
    // it is safe at any moment.
    match unsafe { libc::sigaction(signal, &action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A descriptor that becomes readable when a child ends; SIGCHLD is blocked from then on.
///
/// The mask passes to forks and through exec, so children call [`reset_all`]. Only for a process
/// without user code.
///
/// # Errors
/// `Os` from `sigprocmask` or `signalfd`.
pub(crate) fn signal_fd_for_children() -> Result<OwnedFd> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGCHLD);
    set.thread_block().map_err(|error| Error::os("sigprocmask", error))?;
    // SAFETY: `set` is a valid signal set that outlives the call.
    let returned = unsafe { libc::signalfd(-1, set.as_ref(), libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) };
    // SAFETY: `signalfd` with -1 makes a descriptor, and only this place saw it.
    unsafe { owned("signalfd", returned) }
}

/// Empties the descriptor and says whether anything had come; several deaths may count as one.
///
/// # Errors
/// `Os` from `read`.
pub(crate) fn drain(fd: BorrowedFd<'_>) -> Result<bool> {
    let mut any = false;
    let mut buffer = [0; 8 * size_of::<libc::signalfd_siginfo>()];
    loop {
        match retried(|| nix::unistd::read(fd, &mut buffer)) {
            Ok(_) => any = true,
            Err(Errno::EAGAIN) => return Ok(any),
            Err(error) => return Err(Error::os("read(signalfd)", error)),
        }
    }
}
