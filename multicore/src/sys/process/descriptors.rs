//! The descriptors that a child keeps.

use std::ffi::c_uint;
use std::fs;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::Mode;
use nix::unistd::dup2_stdin;

use crate::sys::{checked, owned};
use crate::{Error, Result};

/// The first descriptor that is not standard input, output or error.
const FIRST: RawFd = 3;
/// Where the last fall-back stops looking.
const HIGHEST_TRIED: RawFd = 1 << 20;

/// Closes every descriptor but 0, 1, 2 and those in `keep`, whoever owns it.
///
/// Only in a freshly forked child that never returns into code which owns the others: a copy of a
/// pipe's end held here would hide the end of file from its reader.
pub(crate) fn close_all_but(keep: &[RawFd]) {
    for (first, last) in gaps(keep) {
        if !close_range(first, last) {
            return close_one_by_one(keep);
        }
    }
}

/// The ranges, ends included, between the descriptors that stay.
pub(in crate::sys) fn gaps(keep: &[RawFd]) -> Vec<(RawFd, RawFd)> {
    let mut keep: Vec<RawFd> = keep.iter().copied().filter(|&fd| fd >= FIRST).collect();
    keep.sort_unstable();
    let mut gaps = Vec::with_capacity(keep.len() + 1);
    let mut next = FIRST;
    for fd in keep {
        if fd > next {
            gaps.push((next, fd - 1));
        }
        next = fd.saturating_add(1);
    }
    gaps.push((next, RawFd::MAX));
    gaps
}

/// Says whether the kernel knows the call; containers with an old filter do not.
fn close_range(first: RawFd, last: RawFd) -> bool {
    // SAFETY: no memory is passed. Closing what others own is this module's documented purpose: the
    // process is a fresh copy in which the owners never run again.
    let returned = unsafe { libc::syscall(libc::SYS_close_range, first as c_uint, last as c_uint, 0) };
    returned == 0
}

pub(in crate::sys) fn close_one_by_one(keep: &[RawFd]) {
    for fd in open_descriptors().unwrap_or_else(all_possible) {
        if fd >= FIRST && !keep.contains(&fd) {
            // SAFETY: as for `close_range`; a descriptor that is not open is refused, no harm done.
            unsafe { libc::close(fd) };
        }
    }
}

/// What `/proc` lists, collected before anything is closed; `None` without `/proc`.
fn open_descriptors() -> Option<Vec<RawFd>> {
    let entries = fs::read_dir("/proc/self/fd").ok()?;
    Some(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

fn all_possible() -> Vec<RawFd> {
    // The hard limit: the soft one may have been lowered below what is open.
    let (_soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((0, u64::MAX));
    (FIRST..RawFd::try_from(hard).unwrap_or(HIGHEST_TRIED).min(HIGHEST_TRIED)).collect()
}

/// A close-on-exec copy of whatever is open under this number.
///
/// # Errors
/// `Os` from `fcntl`: EBADF when nothing is.
pub(crate) fn copy(number: RawFd) -> Result<OwnedFd> {
    // SAFETY: no memory is passed; a number under which nothing is open is refused.
    let returned = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, FIRST) };
    // SAFETY: `F_DUPFD_CLOEXEC` makes a descriptor, and only this place saw it.
    unsafe { owned("fcntl", returned) }
}

/// The same file under a number above `floor`, close-on-exec.
///
/// # Errors
/// `Os` from `fcntl`: EMFILE.
pub(crate) fn lift(fd: &OwnedFd, floor: RawFd) -> Result<OwnedFd> {
    // SAFETY: no memory is passed, and `fd` is open.
    let returned = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, floor.saturating_add(1)) };
    // SAFETY: as for `copy`.
    unsafe { owned("fcntl", returned) }
}

/// The same file under a number that is no standard descriptor's.
///
/// A program that closed those would otherwise print into a descriptor of ours.
///
/// # Errors
/// `Os` from `fcntl`: EMFILE.
pub(crate) fn above_standard(fd: OwnedFd) -> Result<OwnedFd> {
    if fd.as_raw_fd() < FIRST { lift(&fd, FIRST - 1) } else { Ok(fd) }
}

/// Puts a file under this very number, for good and for subprocesses too; what was there is closed.
///
/// Only in a freshly forked child that owns nothing under that number.
///
/// # Errors
/// `Os` from `dup2`.
pub(crate) fn place(fd: OwnedFd, number: RawFd) -> Result<()> {
    // SAFETY: no memory is passed; the caller promises that nobody owns `number`.
    let returned = unsafe { libc::dup2(fd.as_raw_fd(), number) };
    checked("dup2", returned).map(drop)
}

/// Makes standard input end at once: `/dev/null`, or a pipe without a writer where there is none.
///
/// # Errors
/// `Os` from `pipe2` or `dup2`.
pub(crate) fn stdin_from_nothing() -> Result<()> {
    let nothing = match open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(null) => null,
        Err(_) => empty_pipe()?,
    };
    if nothing.as_raw_fd() == 0 {
        // Standard input was closed, so the new descriptor took its place.
        fcntl(&nothing, FcntlArg::F_SETFD(FdFlag::empty())).map_err(|error| Error::os("fcntl", error))?;
        let _zero = nothing.into_raw_fd();
        return Ok(());
    }
    dup2_stdin(&nothing).map_err(|error| Error::os("dup2", error))
}

fn empty_pipe() -> Result<OwnedFd> {
    let (reader, _writer) =
        nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|error| Error::os("pipe2", error))?;
    Ok(reader)
}

/// Opens `/dev/null` in place of those of 0, 1 and 2 that are closed.
///
/// A new descriptor would otherwise take the place, and a message meant for a person would go into it.
/// Rust does this before `main`; a child that is turned aside before that does it here.
pub(crate) fn fill_standard_descriptors() {
    for fd in 0..FIRST {
        // SAFETY: no memory is passed.
        let closed = unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1;
        if closed && let Ok(null) = open("/dev/null", OFlag::O_RDWR, Mode::empty()) {
            // The lowest free number, so `fd` itself; it stays open for good.
            let _number = null.into_raw_fd();
        }
    }
}
