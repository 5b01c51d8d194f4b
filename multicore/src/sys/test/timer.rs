//! Timers with which a process ends itself.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};

use super::{WATCHDOG, in_child};
use crate::processes::clock;
use crate::sys::process::{Fork, exit_now, fork_unchecked};
use crate::sys::{process, signals, timer};

const SHORT: Duration = Duration::from_millis(2);
/// Longer than any test.
const LONG: Duration = Duration::from_secs(60);

/// What ends a child with a deadline in a moment and so much grace, that first does this.
#[track_caller]
fn end_of(grace: Duration, before: impl FnOnce()) -> Signal {
    static NOTHING: fn() = || {};
    let end = in_child(|| {
        let due = Duration::from_nanos(clock::now()) + Duration::from_millis(2);
        process::own_group().unwrap();
        before();
        timer::end_this_process(due, grace, &NOTHING).unwrap();
        loop {
            nix::unistd::pause();
        }
    });
    match end {
        WaitStatus::Signaled(_, signal, _) => signal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_process_ends_at_its_time() {
    assert_eq!(end_of(LONG, || ()), Signal::SIGTERM);
}

#[test]
fn a_process_that_heeds_no_sigterm_is_killed() {
    assert_eq!(
        end_of(SHORT, || {
            SigSet::from(Signal::SIGTERM).thread_swap_mask(SigmaskHow::SIG_BLOCK).unwrap();
        }),
        Signal::SIGKILL
    );
}

#[test]
fn a_process_that_heeds_nothing_is_killed() {
    assert_eq!(end_of(SHORT, || std::mem::forget(signals::Deaf::begin())), Signal::SIGKILL);
}

#[test]
fn what_is_to_be_called_is_called_first_and_again() {
    static CALLED: AtomicU32 = AtomicU32::new(0);
    static CALL: fn() = || {
        // At the second time: before the signal that nobody survives.
        if CALLED.fetch_add(1, Ordering::Relaxed) == 1 {
            exit_now(7);
        }
    };
    let end = || {
        in_child(|| {
            process::own_group().unwrap();
            SigSet::from(Signal::SIGTERM).thread_swap_mask(SigmaskHow::SIG_BLOCK).unwrap();
            timer::end_this_process(Duration::from_nanos(clock::now()), SHORT, &CALL).unwrap();
            loop {
                nix::unistd::pause();
            }
        })
    };
    // One that loses its core for long gets all signals at once, and the one that nobody survives comes first. Nothing
    // else may end it.
    for _ in 0..10 {
        match end() {
            WaitStatus::Exited(_, 7) => return,
            WaitStatus::Signaled(_, Signal::SIGKILL, _) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("it was never called a second time");
}

/// Timers do not pass to forks: a child of an overdue process goes on.
#[test]
fn a_fork_has_no_timer_of_its_parents() {
    static NOTHING: fn() = || {};
    let end = in_child(|| {
        process::own_group().unwrap();
        let due = Duration::from_nanos(clock::now()) + Duration::from_millis(5);
        SigSet::from(Signal::SIGTERM).thread_swap_mask(SigmaskHow::SIG_BLOCK).unwrap();
        // Until the child is none of the group that is ended.
        let bell = signals::Deaf::begin();
        timer::end_this_process(due, LONG, &NOTHING).unwrap();
        // SAFETY: the child waits for its parent and ends by `_exit`.
        match unsafe { fork_unchecked() }.unwrap() {
            Fork::Child => {
                process::own_group().unwrap();
                nix::unistd::alarm::set(WATCHDOG);
                SigSet::empty().thread_set_mask().unwrap();
                loop {
                    nix::unistd::pause();
                }
            }
            Fork::Parent(child) => {
                process::lead_group(child);
                drop(bell);
                // Its own comes, and is blocked.
                while !is_pending() {
                    std::thread::yield_now();
                }
                let alive = kill(child, Signal::SIGKILL).is_ok();
                let end = waitpid(child, None).unwrap();
                i32::from(!(alive && end == WaitStatus::Signaled(child, Signal::SIGKILL, false)))
            }
        }
    });
    assert!(matches!(end, WaitStatus::Exited(_, 0)), "{end:?}");
}

/// Whether SIGTERM waits for this process.
fn is_pending() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & 1 << (Signal::SIGTERM as u32 - 1) != 0
}
