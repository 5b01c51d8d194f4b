//! A doorbell: many rings before one look count as one.

use std::io::ErrorKind;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use super::{checked, owned};
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

/// Silences it and says whether it had been rung. Never blocks, also when another process that has the
/// same descriptor made it a blocking one.
///
/// # Errors
/// `Os` from `preadv2`.
pub(crate) fn drain(fd: BorrowedFd<'_>) -> Result<bool> {
    let mut count = [0u8; 8];
    let part = libc::iovec { iov_base: count.as_mut_ptr().cast(), iov_len: count.len() };
    loop {
        // SAFETY: `part` is a live local of `count`'s address and length; -1 asks for a plain read.
        let read = unsafe { libc::preadv2(fd.as_raw_fd(), &part, 1, -1, libc::RWF_NOWAIT) };
        match checked("preadv2(eventfd)", read as i64) {
            Ok(_) => return Ok(true),
            Err(Error::Os { source, .. }) if source.kind() == ErrorKind::Interrupted => {}
            Err(Error::Os { source, .. }) if source.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}
