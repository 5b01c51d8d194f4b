//! A time at which this process ends itself, kept by the kernel: it needs nobody to watch.
//!
//! Timers pass neither to forks of this process nor through `exec`.

use std::ffi::c_int;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::errno::Errno;

use super::latest::Latest;
use super::{checked, timespec};
use crate::Result;

/// How often the time was up in this process.
static ROUNDS: AtomicU32 = AtomicU32::new(0);
/// What is called first.
static OVERDUE: Latest<fn()> = Latest::new();
/// The least time between two signals; an interval of 0 would be none.
const LEAST_GRACE: Duration = Duration::from_millis(1);
/// How much later than the second signal the last one comes, which no mask and no stop can hold up.
const LAST: Duration = Duration::from_millis(50);

/// At `due`, on the monotonic clock, calls `overdue` and sends SIGTERM to this process and its group; after the
/// grace SIGKILL. Takes SIGRTMAX for itself.
///
/// Where the process has blocked that signal, or is stopped, it alone gets the SIGKILL, a moment later.
/// `overdue` makes only async-signal-safe calls.
///
/// # Errors
/// `Os` from `sigaction`, `timer_create` (EAGAIN at a limit on pending signals) or `timer_settime`.
pub(crate) fn end_this_process(due: Duration, grace: Duration, overdue: &'static fn()) -> Result<()> {
    // A process that this one was forked from may have been overdue.
    ROUNDS.store(0, Ordering::Relaxed);
    OVERDUE.set(overdue);
    let grace = grace.max(LEAST_GRACE);
    let bell = libc::SIGRTMAX();
    // SAFETY: all zeroes is a valid `sigaction`.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = on_time as extern "C" fn(c_int) as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: `action` is valid, and `on_time` makes only async-signal-safe calls.
    checked("sigaction", unsafe { libc::sigaction(bell, &action, ptr::null_mut()) })?;
    arm(libc::SIGKILL, due.saturating_add(grace).saturating_add(LAST), Duration::ZERO)?;
    arm(bell, due, grace)
}

/// At `due`, on the monotonic clock, this process gets SIGKILL.
///
/// # Errors
/// `Os` from `timer_create` (EAGAIN at a limit on pending signals) or `timer_settime`.
pub(crate) fn kill_this_process(due: Duration) -> Result<()> {
    arm(libc::SIGKILL, due, Duration::ZERO)
}

/// Has the kernel send `signal` at a moment and, where the interval is not 0, again and again.
fn arm(signal: c_int, at: Duration, interval: Duration) -> Result<()> {
    // SAFETY: all zeroes is a valid `sigevent`.
    let mut event: libc::sigevent = unsafe { mem::zeroed() };
    event.sigev_notify = libc::SIGEV_SIGNAL;
    event.sigev_signo = signal;
    let mut timer: libc::timer_t = ptr::null_mut();
    // SAFETY: both pointers are to live locals of the right type.
    let made = unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer) };
    checked("timer_create", made)?;
    let times = libc::itimerspec { it_interval: timespec(interval), it_value: timespec(at) };
    // SAFETY: `timer` was made just now, and stays for the life of the process; `times` is a live local.
    let set = unsafe { libc::timer_settime(timer, libc::TIMER_ABSTIME, &times, ptr::null_mut()) };
    checked("timer_settime", set).map(drop)
}

/// Everything in it is async-signal-safe.
extern "C" fn on_time(_signal: c_int) {
    let before = Errno::last_raw();
    let signal = if ROUNDS.fetch_add(1, Ordering::Relaxed) == 0 { libc::SIGTERM } else { libc::SIGKILL };
    if let Some(overdue) = OVERDUE.get() {
        overdue();
    }
    // SAFETY: no memory is passed.
    let this = unsafe { libc::getpid() };
    // A group of this number is this process's own, and its children's.
    // SAFETY: no memory is passed.
    if unsafe { libc::kill(-this, signal) } != 0 {
        // SAFETY: no memory is passed.
        unsafe { libc::kill(this, signal) };
    }
    Errno::set_raw(before);
}
