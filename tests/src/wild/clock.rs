//! Clocks that can be moved, in a program whose own `clock_gettime` asks [`read`]: the program `clocks`.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

/// By how many seconds this process's clock on the wall is ahead,
static WALL: AtomicI64 = AtomicI64::new(0);
/// and the one that is never set.
static MONOTONIC: AtomicI64 = AtomicI64::new(0);

/// Moves the clock on the wall of this process, as an administrator does.
pub fn pass_on_the_wall(seconds: i64) {
    WALL.fetch_add(seconds, SeqCst);
}

/// Has time pass for this process.
pub fn pass(seconds: i64) {
    MONOTONIC.fetch_add(seconds, SeqCst);
}

/// What `clock_gettime` gives for this clock.
///
/// # Safety
/// `time` is valid for a write.
pub unsafe fn read(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    // SAFETY: as the caller promises; the kernel writes a whole `timespec` or nothing.
    let outcome = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as libc::c_int;
    let ahead = match clock {
        libc::CLOCK_REALTIME => WALL.load(SeqCst),
        libc::CLOCK_MONOTONIC => MONOTONIC.load(SeqCst),
        _ => 0,
    };
    if outcome == 0 {
        // SAFETY: the kernel has just written it.
        unsafe { (*time).tv_sec += ahead };
    }
    outcome
}
