//! Copies of this process.
//!
//! A fork copies one thread: a lock that another thread held stays locked in the child for ever. So
//! everything safe in here checks that there is one thread, or says why others do not matter.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::ptr;
use std::thread;
use std::time::Duration;

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{ForkResult, Pid};

use crate::sys::{checked, retried};
use crate::{Error, Result};

/// How long a joined thread may take to vanish from the kernel's list: 50 looks, 200 µs apart.
const LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_micros(200);

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
    // The kernel counts threads among the links of this folder: one call, where the text below is made of
    // fifty lines.
    let links = fs::metadata("/proc/self/task").map(|folder| folder.nlink()).unwrap_or(0);
    if let Some(threads @ 1..) = links.checked_sub(2) {
        return Ok(threads as usize);
    }
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

/// Forks the supervisor, which has one thread of its own and runs no user code.
///
/// Other threads can only be those that a library's constructor started when the program was loaded.
/// They do not come along to the child; what such a library does about that, after this as after any
/// fork, is its own to say (`pthread_atfork`).
///
/// # Errors
/// `Os` from `fork`: EAGAIN at a limit on processes, ENOMEM.
pub(crate) fn fork_supervisor() -> Result<Fork> {
    // SAFETY: [loader-threads] a thread that a constructor started runs none of this program's Rust, so
    // it holds none of its locks; the C library takes its own over a fork.
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

/// Whose child a process becomes that [`fork_unseen`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// This process.
    This,
    /// This process's own parent: the new process is a sibling.
    Same,
}

/// Forks a process with one thread, so that no plain `wait` of its parent's sees the child: it neither
/// blocks on it nor collects it, and no SIGCHLD comes when it ends. [`collect`] it by its pid.
///
/// As [`fork`] otherwise. A sibling is unseen only if this process itself is. The child may run no
/// user code: the C library does not know of it, so a fork made in it is in order again, it itself is
/// not quite (its cached thread number is the parent's).
///
/// # Errors
/// `Threads`; `Os` from `clone`: EAGAIN at a limit on processes, ENOMEM.
pub(crate) fn fork_unseen(parent: Parent) -> Result<Fork> {
    let flags = match parent {
        Parent::This => {
            single_threaded()?;
            0
        }
        // Made by the above itself, and it runs no user code: it has one thread.
        Parent::Same => libc::CLONE_PARENT,
    };
    // SAFETY: without a stack this is a fork, only without the C library's preparations: they matter
    // where threads exist, and none does.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    Ok(match checked("fork", pid)? {
        0 => Fork::Child,
        pid => Fork::Parent(Pid::from_raw(pid as libc::pid_t)),
    })
}

/// Collects a child that has ended, however it was forked; somebody who was faster is no error.
pub(crate) fn collect(child: Pid) {
    let _ = retried(|| waitpid(child, Some(WaitPidFlag::__WALL)));
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
