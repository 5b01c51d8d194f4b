//! Sleeping until a word in shared memory changes.
//!
//! The futexes are shared, not private: waiter and waker are different processes, and the kernel
//! finds the word by its file and offset. A wake that comes before the wait is never lost, because the
//! kernel compares the word under its own lock before it sleeps.

use std::io;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use super::timespec;

/// Why [`wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a wait may end without the word having changed"]
pub(crate) enum Wait {
    /// Somebody woke this word; it may or may not have changed.
    Woken,
    /// The word was not the expected one, so nobody slept.
    Changed,
    /// The time is up.
    TimedOut,
    /// A signal came, or the kernel had no memory for the wait.
    Interrupted,
}

/// Sleeps while the word is `expected`, until woken; without a timeout perhaps for ever.
///
/// The timeout counts on the monotonic clock. If the process that would wake dies, nothing wakes this
/// one: callers give a timeout and look at the other's pidfd.
pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Wait {
    let timeout = timeout.map(timespec);
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `word` is a live, aligned 32-bit word; `timeout` is null or points to a local that
    // outlives the call; the kernel reads both and writes neither.
    let slept = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, timeout) };
    if slept == 0 {
        return Wait::Woken;
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Wait::Changed,
        Some(libc::ETIMEDOUT) => Wait::TimedOut,
        Some(libc::EINTR) => Wait::Interrupted,
        _ => {
            // No memory for the word's page. The caller will try again: not at full speed.
            thread::sleep(Duration::from_millis(1));
            Wait::Interrupted
        }
    }
}

/// Wakes up to `count` waiters of the word and says how many there were.
pub(crate) fn wake(word: &AtomicU32, count: i32) -> usize {
    // SAFETY: `word` is a live, aligned 32-bit word; the kernel uses only its address.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
    usize::try_from(woken).unwrap_or(0)
}
