//! Processes by descriptor: unlike a pid, it never comes to mean another process.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::{checked, owned, poll};
use crate::{Error, Result};

/// Between two looks where the kernel cannot wait.
const A_MOMENT: Duration = Duration::from_millis(1);

/// A descriptor of the process: exact while the caller knows that the pid was not reused, so for
/// itself, its parent and the children that it has not collected.
///
/// # Errors
/// `Os` from `pidfd_open`: ESRCH when there is no such process, ENOSYS or EPERM where a container's
/// filter does not know the call.
pub(crate) fn of(pid: Pid) -> Result<OwnedFd> {
    // SAFETY: two integers; no memory is passed.
    let returned = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    // SAFETY: `pidfd_open` makes a descriptor (close-on-exec), and only this place saw it.
    unsafe { owned("pidfd_open", returned) }
}

/// A descriptor of this process, to be handed to others.
///
/// # Errors
/// As for [`of`].
pub(crate) fn of_self() -> Result<OwnedFd> {
    of(Pid::this())
}

/// Whether the process has ended, collected or not.
pub(crate) fn has_exited(process: BorrowedFd<'_>) -> bool {
    wait_exit(process, Some(Duration::ZERO))
}

/// Waits until the process has ended, and says whether it has; without a timeout perhaps for ever.
pub(crate) fn wait_exit(process: BorrowedFd<'_>, timeout: Option<Duration>) -> bool {
    poll::readable(process, timeout).unwrap_or_else(|_| {
        // The kernel cannot wait. Every caller asks again, and a child's end is seen without waiting.
        thread::sleep(timeout.unwrap_or(A_MOMENT).min(A_MOMENT));
        is_to_be_collected(process)
    })
}

/// Whether this is a child of this process that has ended and that nobody has collected: so its number, and
/// its group's, still mean it. Never blocks.
pub(crate) fn is_to_be_collected(child: BorrowedFd<'_>) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT | WaitPidFlag::__WALL;
    waitid(Id::PIDFd(child), flags).is_ok_and(|status| status != WaitStatus::StillAlive)
}

/// Collects a child that has ended; one that still runs, that somebody else collected or whose parent
/// is another is left alone. Never blocks.
pub(crate) fn collect(child: BorrowedFd<'_>) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::__WALL;
    let _ = super::retried(|| waitid(Id::PIDFd(child), flags));
}

/// Sends a signal; a process that has ended already is no error.
///
/// # Errors
/// `Os` from `pidfd_send_signal`: EPERM when it runs as another user.
pub(crate) fn signal(process: BorrowedFd<'_>, signal: Signal) -> Result<()> {
    let info = ptr::null::<libc::siginfo_t>();
    // SAFETY: a null `info` asks for what `kill` would send; nothing else is memory.
    let returned = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal as libc::c_int, info, 0)
    };
    match checked("pidfd_send_signal", returned) {
        Err(Error::Os { source, .. }) if source.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        outcome => outcome.map(drop),
    }
}
