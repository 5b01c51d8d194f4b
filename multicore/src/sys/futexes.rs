//! Sleeping until one of several words in shared memory changes.
//!
//! By `futex_waitv`, which kernels have from 5.16 on and some containers' filters refuse.

use std::io;
use std::ptr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use super::futex::{self, Wait};
use super::timespec;

/// A word, and what it is while there is nothing to do.
pub(crate) type Calm<'w> = (&'w AtomicU32, u32);

/// The most words that the kernel waits for.
const MOST: usize = 128;
/// Between two looks where it cannot.
const A_MOMENT: Duration = Duration::from_millis(1);
/// The words have 32 bits and are not private to this process.
const FLAGS: u32 = libc::FUTEX2_SIZE_U32 as u32;

static REFUSED: AtomicBool = AtomicBool::new(false);

/// Sleeps while every word is as expected, until one of them is woken or the time is up.
///
/// Where the kernel cannot wait for so many, this sleeps on the first of two, and with more looks every
/// millisecond: whoever wakes the last word has to wake the first as well.
pub(crate) fn wait_for_any(words: &[Calm<'_>], timeout: Duration) {
    match words {
        [] => {}
        [(word, expected)] => drop(futex::wait(word, *expected, Some(timeout))),
        _ if words.len() <= MOST && !REFUSED.load(Relaxed) && wait_by_kernel(words, timeout) => {}
        [(word, expected), _] => drop(futex::wait(word, *expected, Some(timeout))),
        _ => look_again_and_again(words, timeout),
    }
}

fn look_again_and_again(words: &[Calm<'_>], timeout: Duration) {
    let start = Instant::now();
    while words.iter().all(|(word, expected)| word.load(Relaxed) == *expected) {
        let left = timeout.saturating_sub(start.elapsed());
        let (word, expected) = words[0];
        match futex::wait(word, expected, Some(left.min(A_MOMENT))) {
            Wait::TimedOut if left > A_MOMENT => {}
            _ => return,
        }
    }
}

/// Whether the kernel could.
fn wait_by_kernel(words: &[Calm<'_>], timeout: Duration) -> bool {
    let waiters: Vec<libc::futex_waitv> = words
        .iter()
        .map(|(word, expected)| {
            // SAFETY: all zeroes is a valid `futex_waitv`: three numbers and one that must be zero.
            let mut waiter: libc::futex_waitv = unsafe { std::mem::zeroed() };
            waiter.val = u64::from(*expected);
            waiter.uaddr = word.as_ptr().expose_provenance() as u64;
            waiter.flags = FLAGS;
            waiter
        })
        .collect();
    // The call cannot fail with this clock on Linux.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    let until = timespec(now.saturating_add(timeout));
    // SAFETY: `waiters` names live, aligned 32-bit words, and it and `until` outlive the call; the kernel
    // reads them all and writes none.
    let slept = unsafe {
        libc::syscall(
            libc::SYS_futex_waitv,
            waiters.as_ptr(),
            waiters.len() as u32,
            0,
            ptr::from_ref(&until),
            libc::CLOCK_MONOTONIC,
        )
    };
    if slept >= 0 {
        return true;
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN | libc::ETIMEDOUT | libc::EINTR) => true,
        // It has no such call, or a filter in front of it.
        Some(libc::ENOSYS | libc::EPERM) => {
            REFUSED.store(true, Relaxed);
            false
        }
        _ => false,
    }
}
