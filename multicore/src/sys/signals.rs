//! What each kind of process does with signals.
//!
//! Dispositions belong to the whole process and pass to its forks: a template, and a supervisor that was
//! exec'd, first call [`reset_all`]; every process then calls the function that names what it is.

use std::ffi::c_int;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};

use super::eventfd;
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

/// Runs `start` with every signal blocked: a thread that it starts gets none of the program's. Only those that a
/// thread's own fault raises come through.
pub(crate) fn blocked<T>(start: impl FnOnce() -> T) -> T {
    let mut all = SigSet::all();
    [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGTRAP]
        .into_iter()
        .for_each(|fault| all.remove(fault));
    // Cannot fail: the set is valid.
    let before = all.thread_swap_mask(SigmaskHow::SIG_SETMASK);
    let started = start();
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    started
}

/// A worker: SIGTERM ends it; SIGINT from the terminal is dropped, because the client decides.
///
/// SIGINT is caught, not ignored: a subprocess of the task starts with the default then. SIGPIPE is
/// ignored, as in every Rust program. A worker that reads from the terminal or writes to it is not
/// stopped.
///
/// In a process that was forked from a supervisor just now: what that set otherwise goes back to its default.
///
/// # Errors
/// `Os` from `sigaction`.
pub(crate) fn for_worker() -> Result<()> {
    set(&[Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGCHLD], libc::SIG_DFL)?;
    drop_quietly(&[Signal::SIGINT])?;
    ignore(&[Signal::SIGPIPE, Signal::SIGTTIN, Signal::SIGTTOU])
}

/// A copy of the program that goes on with the program's own code, forked just now.
///
/// What a handler caught has its default action: the handler may write into a pipe that the parent reads. What
/// was ignored stays ignored. One that reads from the terminal or writes to it is not stopped. Every signal is
/// let through.
///
/// # Errors
/// `Os` from `sigaction`.
pub(crate) fn for_forked() -> Result<()> {
    for signal in 1..=LAST_SIGNAL {
        // SAFETY: all zeroes is a valid `sigaction`.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        // SAFETY: `action` is a live local that the kernel fills.
        let known = unsafe { libc::sigaction(signal, ptr::null(), &mut action) } == 0;
        if known && action.sa_sigaction != libc::SIG_IGN && action.sa_sigaction != libc::SIG_DFL {
            // EINVAL for the C library's own is what is wanted.
            let _ = handle(signal, libc::SIG_DFL);
        }
    }
    ignore(&[Signal::SIGTTIN, Signal::SIGTTOU])?;
    // Cannot fail: the set is valid.
    let _ = SigSet::empty().thread_set_mask();
    Ok(())
}

/// Holds up all signals of this thread, until it is dropped.
pub(crate) struct Deaf(Option<SigSet>);

impl Deaf {
    pub(crate) fn begin() -> Deaf {
        // Cannot fail: the set is valid.
        Deaf(SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).ok())
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            let _ = before.thread_set_mask();
        }
    }
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
    // SAFETY: `action` is valid, and `handler` is SIG_DFL, SIG_IGN or a function that is safe at any
    // moment.
    match unsafe { libc::sigaction(signal, &action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What a death or a stop of a child rings; -1 before there is one.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// A bell that rings when a child ends, stops or goes on; several may count as one.
///
/// By a handler and not by a `signalfd`: the kernel may give the signal to a thread that a library's
/// constructor started, which has it not blocked and would drop it unseen. The handler passes to forks, which
/// [`for_worker`] undoes. Only for a process without user code.
///
/// # Errors
/// `Os` from `eventfd` or `sigaction`.
pub(crate) fn bell_for_children() -> Result<OwnedFd> {
    let bell = eventfd::create()?;
    BELL.store(bell.as_raw_fd(), Ordering::Release);
    set(&[Signal::SIGCHLD], ring as extern "C" fn(c_int) as libc::sighandler_t)?;
    Ok(bell)
}

extern "C" fn ring(_signal: c_int) {
    let before = Errno::last_raw();
    let (bell, one) = (BELL.load(Ordering::Acquire), 1u64);
    // SAFETY: async-signal-safe; reads eight bytes of a live local. Where the bell is closed by now, or
    // rung enough, it is refused.
    unsafe { libc::write(bell, ptr::from_ref(&one).cast(), size_of::<u64>()) };
    Errno::set_raw(before);
}
