//! Kernel calls; knows no slot, no call and no pool.
//!
//! Every function here is safe to call from the rest of the crate unless it says `unsafe`. What a
//! function needs of its surroundings and cannot check (one thread, a child that never returns) stands
//! in the first lines of its documentation.
#![allow(unsafe_code)]

pub(crate) mod entry;
pub(crate) mod eventfd;
pub(crate) mod exit;
pub(crate) mod fault;
pub(crate) mod fork_guard;
pub(crate) mod futex;
pub(crate) mod futexes;
pub(crate) mod latest;
pub(crate) mod memfd;
pub(crate) mod memory;
pub(crate) mod per_process;
pub(crate) mod pidfd;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod sandbox;
pub(crate) mod sealed;
pub(crate) mod signals;
pub(crate) mod socket;
pub(crate) mod stack;
pub(crate) mod thread_end;
pub(crate) mod timer;

#[cfg(test)]
mod test;

use std::ffi::{c_int, c_long};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use crate::{Error, Result};

/// What a kernel call returned, or the error that it left in `errno`.
fn checked(call: &'static str, returned: impl Into<c_long>) -> Result<c_long> {
    match returned.into() {
        -1 => Err(Error::os(call, io::Error::last_os_error())),
        value => Ok(value),
    }
}

/// The descriptor that a kernel call just made, out of the way of the standard ones.
///
/// # Safety
/// `returned` is the return value of a call that makes a descriptor, and nobody else owns it.
unsafe fn owned(call: &'static str, returned: impl Into<c_long>) -> Result<OwnedFd> {
    let fd = checked(call, returned)? as c_int;
    // SAFETY: the caller promises that `fd` is new and ours alone; it is not -1, as just checked.
    process::above_standard(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Repeats a call that a signal interrupted.
fn retried<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(nix::Error::EINTR) => continue,
            outcome => return outcome,
        }
    }
}

/// A duration as the kernel wants it; one too long for it becomes its longest.
fn timespec(duration: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: duration.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
