//! Copies of this process.
//!
//! A fork copies one thread: a lock that another thread held stays locked in the child for ever. So
//! everything safe in here first checks that there is one thread.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::panic::{self, AssertUnwindSafe};
use std::ptr;
use std::thread;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{ForkResult, Pid};

use crate::sys::{checked, retried};
use crate::{Error, Result};

/// How long a joined thread may take to vanish from the kernel's list: 50 looks, 200 µs apart.
const LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_micros(200);
/// What a Rust program exits with after a panic in `main`.
const PANICKED: i32 = 101;

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug)]
#[must_use = "the child must not go on as the parent"]
pub(crate) enum Fork {
    /// The process that forked, with the child's pid.
    Parent(Pid),
    /// The copy.
    Child,
}

/// The number of threads in this process, this one included, as the kernel counts them now.
///
/// # Errors
/// `Os` when `/proc` is not mounted.
pub(crate) fn thread_count() -> Result<usize> {
    let path = "/proc/self/status";
    let status = fs::read_to_string(path).map_err(|error| Error::os("read /proc/self/status", error))?;
    let count = status.lines().find_map(|line| line.strip_prefix("Threads:")?.trim().parse().ok());
    count.ok_or_else(|| Error::os("read /proc/self/status", io::Error::from(io::ErrorKind::InvalidData)))
}

/// Checks that this is the only thread; waits up to 10 ms for joined threads to be gone.
///
/// `join` returns before the kernel has taken the thread off its list, so one look is a coin toss.
///
/// # Errors
/// `Threads`, and as for [`thread_count`].
pub(crate) fn single_threaded() -> Result<()> {
    for _ in 1..LOOKS {
        if thread_count()? == 1 {
            return Ok(());
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    match thread_count()? {
        1 => Ok(()),
        count => Err(Error::Threads { count }),
    }
}

/// Forks a process with one thread. Flushes nothing: call [`flush_output`] first.
///
/// The child inherits signals, descriptors and everything else, and must never return to the caller's
/// caller: it ends with [`exit_now`].
///
/// # Errors
/// `Threads` when there are others; `Os` from `fork`: EAGAIN at a limit on processes, ENOMEM.
pub(crate) fn fork() -> Result<Fork> {
    single_threaded()?;
    // SAFETY: just checked that no other thread exists, and only this one could start any.
    unsafe { fork_unchecked() }
}

/// Forks whatever threads there are.
///
/// # Safety
/// Either this is the only thread, or the child makes only async-signal-safe calls until it ends.
///
/// # Errors
/// `Os` from `fork`.
pub(crate) unsafe fn fork_unchecked() -> Result<Fork> {
    // SAFETY: the caller's promise is the one that `fork` asks for.
    match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Parent { child }) => Ok(Fork::Parent(child)),
        Ok(ForkResult::Child) => Ok(Fork::Child),
        Err(error) => Err(Error::os("fork", error)),
    }
}

/// Runs `child` in a copy of this process that is not its child; the copy ends when `child` returns.
///
/// A process in the middle forks and ends at once, so no `wait` of the user's sees the copy or blocks
/// on it; nor does it see the middle one, which has no exit signal. The copy's parent is then the
/// nearest subreaper, or process 1: when that is this very process (PID 1 of a container), the copy is
/// its child after all. Flushes nothing; a panic in `child` ends the copy with code 101.
///
/// If this process dies here, the copy runs or not; it must watch the pidfd of whoever it works for.
///
/// # Errors
/// `Threads`; `Os` from `pipe2`, `clone` or the second `fork`; ECANCELED when the middle process was
/// killed before it could say what happened.
pub(crate) fn fork_orphan(child: impl FnOnce()) -> Result<()> {
    single_threaded()?;
    let (answer, report) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|error| Error::os("pipe2", error))?;
    // SAFETY: without flags and stack this is a fork, only without the C library's preparations: they
    // matter where threads exist, and none does. `middle` never returns.
    let pid = unsafe { libc::syscall(libc::SYS_clone, 0, 0, 0, 0, 0) };
    let pid = match checked("clone", pid)? {
        0 => middle(child, answer, report),
        pid => Pid::from_raw(pid as libc::pid_t),
    };
    drop(report);
    let mut outcome = [0; 4];
    let heard = File::from(answer).read_exact(&mut outcome);
    // ECHILD: somebody's `__WALL` loop was faster. The answer came through the pipe all the same.
    let _ = retried(|| waitpid(pid, Some(WaitPidFlag::__WALL)));
    match (heard, i32::from_ne_bytes(outcome)) {
        (Ok(()), 0) => Ok(()),
        (Ok(()), error) => Err(Error::os("fork", io::Error::from_raw_os_error(error))),
        (Err(_), _) => Err(Error::os("fork", io::Error::from_raw_os_error(libc::ECANCELED))),
    }
}

/// The process in the middle: forks, says how that went, and ends.
fn middle(child: impl FnOnce(), answer: OwnedFd, report: OwnedFd) -> ! {
    drop(answer);
    // SAFETY: this process was forked from one with a single thread.
    let outcome = match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Child) => {
            drop(report);
            let end = panic::catch_unwind(AssertUnwindSafe(child));
            exit_now(if end.is_ok() { 0 } else { PANICKED })
        }
        Ok(ForkResult::Parent { .. }) => 0,
        Err(error) => error as i32,
    };
    // Four bytes fit into any pipe; when the reader is gone, nobody asks.
    let _ = File::from(report).write_all(&outcome.to_ne_bytes());
    exit_now(0)
}

/// Writes out what Rust and C still hold back, so that a fork does not print it twice.
///
/// An output that cannot be written is left to whoever prints next.
pub(crate) fn flush_output() {
    let _ = io::stdout().flush();
    let _ = io::stderr().flush();
    // SAFETY: a null stream means all of them.
    unsafe { libc::fflush(ptr::null_mut()) };
}

/// Ends the process here: no destructor, no `atexit`, no flush.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process; nothing after it can observe anything.
    unsafe { libc::_exit(code) }
}
