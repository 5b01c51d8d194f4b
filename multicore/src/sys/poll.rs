//! Waiting for one descriptor.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::timespec;

/// Whether the descriptor becomes readable, reaches its end or fails before the time is up.
///
/// Without a timeout it waits for ever, with zero not at all. Signals do not shorten the wait.
///
/// # Errors
/// ENOMEM.
pub(crate) fn readable(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<bool> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.map(|left| TimeSpec::from_timespec(timespec(left)));
        match ppoll(&mut [PollFd::new(fd, PollFlags::POLLIN)], left, None) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
