//! A doorbell: many rings before one look count as one.

use std::os::fd::{BorrowedFd, OwnedFd};

use nix::errno::Errno;

use super::owned;
use crate::{Error, Result};

/// Makes one, silent, non-blocking and close-on-exec.
///
/// # Errors
/// `Os` from `eventfd`: no descriptor left, or no memory.
pub(crate) fn create() -> Result<OwnedFd> {
    // SAFETY: two integers; no memory is passed.
    let returned = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    // SAFETY: `eventfd` makes a descriptor, and only this place saw it.
    unsafe { owned("eventfd", returned) }
}

/// Rings: whoever polls the descriptor finds it readable. Never blocks.
///
/// # Errors
/// `Os` from `write`; a counter that is full already is rung enough and no error.
pub(crate) fn signal(fd: BorrowedFd<'_>) -> Result<()> {
    match super::retried(|| nix::unistd::write(fd, &1u64.to_ne_bytes())) {
        Ok(_) | Err(Errno::EAGAIN) => Ok(()),
        Err(error) => Err(Error::os("write(eventfd)", error)),
    }
}

/// Silences it and says whether it had been rung. Never blocks.
///
/// # Errors
/// `Os` from `read`.
pub(crate) fn drain(fd: BorrowedFd<'_>) -> Result<bool> {
    match super::retried(|| nix::unistd::read(fd, &mut [0; 8])) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN) => Ok(false),
        Err(error) => Err(Error::os("read(eventfd)", error)),
    }
}
