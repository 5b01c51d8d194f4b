//! The kernel calls, against the real kernel.

mod cgroup;
mod entry;
mod family;
mod memory;
mod process;
mod signals;
mod socket;
mod stack;
mod timer;
mod wait;

use std::os::fd::BorrowedFd;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::AtomicU32;

use nix::sys::wait::{WaitStatus, waitpid};

use super::memfd;
use super::process::{Fork, exit_now, fork_unchecked};
use super::retried;

/// Seconds after which the kernel ends a forked child that hangs.
const WATCHDOG: u32 = 30;
/// What a child that panicked exits with.
const PANICKED: i32 = 101;

/// Runs `body` in a forked copy of this thread, and says how that ended; the body's code must be 0 to
/// 100. It holds copies of the other threads' locks, so it keeps away from anything but the kernel.
fn in_child(body: impl FnOnce() -> i32) -> WaitStatus {
    // SAFETY: the other threads are those of the test harness; the child calls the kernel and the
    // allocator, which the C library keeps usable in forks, and ends by `_exit` on every path.
    match unsafe { fork_unchecked() }.expect("fork") {
        Fork::Parent(child) => retried(|| waitpid(child, None)).expect("the child is ours"),
        Fork::Child => {
            nix::unistd::alarm::set(WATCHDOG);
            exit_now(panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or(PANICKED))
        }
    }
}

/// One word of a file that cannot shrink, mapped for the rest of the process's life.
fn word_in(file: BorrowedFd<'_>, offset: usize) -> &'static AtomicU32 {
    let len = memfd::len(file).unwrap() as usize;
    assert!(offset.is_multiple_of(4) && offset + 4 <= len);
    let mapping = Box::leak(Box::new(memfd::map(file, len).unwrap()));
    // SAFETY: inside the mapping, as just checked.
    let word = unsafe { mapping.as_mut_ptr().add(offset) };
    // SAFETY: aligned, mapped for ever, and accessed as an atomic alone.
    unsafe { AtomicU32::from_ptr(word.cast()) }
}

/// Checks that `body` is true in a forked child.
#[track_caller]
fn check_in_child(body: impl FnOnce() -> bool) {
    let end = in_child(|| i32::from(!body()));
    assert!(matches!(end, WaitStatus::Exited(_, 0)), "{end:?}");
}
