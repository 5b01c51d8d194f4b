//! Futexes, pidfds, eventfds and the fork guard.

use std::os::fd::AsFd;
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};

use super::{WATCHDOG, check_in_child, word_in};
use crate::sys::futex::{self, Wait};
use crate::sys::process::{Fork, exit_now, fork_unchecked};
use crate::sys::{eventfd, fork_guard, memfd, pidfd, poll};

const LONG: Option<Duration> = Some(Duration::from_secs(WATCHDOG as u64));

#[test]
fn a_changed_word_is_not_waited_for() {
    assert_eq!(futex::wait(&AtomicU32::new(1), 0, None), Wait::Changed);
}

#[test]
fn a_wait_ends_with_its_timeout() {
    let word = AtomicU32::new(0);
    assert_eq!(futex::wait(&word, 0, Some(Duration::ZERO)), Wait::TimedOut);
    assert_eq!(futex::wait(&word, 0, Some(Duration::from_millis(2))), Wait::TimedOut);
    assert_eq!(futex::wake(&word, 1), 0, "nobody waits any more");
}

#[test]
fn a_wake_reaches_a_waiter_in_another_process() {
    let fd = memfd::create(c"test").unwrap();
    memfd::set_len(fd.as_fd(), 4096).unwrap();
    memfd::seal_size(fd.as_fd()).unwrap();
    // Two mappings of one word: a private futex would not join them.
    let word = word_in(fd.as_fd(), 64);
    // SAFETY: the child waits for a word and ends by `_exit`.
    let child = match unsafe { fork_unchecked() }.unwrap() {
        Fork::Parent(child) => child,
        Fork::Child => {
            nix::unistd::alarm::set(WATCHDOG);
            let same = word_in(fd.as_fd(), 64);
            let outcome = futex::wait(same, 0, LONG);
            exit_now(if outcome == Wait::Woken { 0 } else { 1 })
        }
    };
    while futex::wake(word, i32::MAX) == 0 {
        thread::yield_now();
    }
    assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
}

#[test]
fn a_timeout_longer_than_time_is_allowed() {
    let word = AtomicU32::new(0);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| futex::wait(&word, 0, Some(Duration::MAX)));
        while futex::wake(&word, 1) == 0 {
            thread::yield_now();
        }
        assert_eq!(waiter.join().unwrap(), Wait::Woken);
    });
}

#[test]
fn a_pidfd_tells_when_its_process_ends() {
    // SAFETY: the child only sleeps and ends by `_exit`.
    let child = match unsafe { fork_unchecked() }.unwrap() {
        Fork::Parent(child) => child,
        Fork::Child => {
            nix::unistd::sleep(WATCHDOG);
            exit_now(0)
        }
    };
    let process = pidfd::of(child).unwrap();
    assert!(!pidfd::has_exited(process.as_fd()));
    pidfd::signal(process.as_fd(), Signal::SIGKILL).unwrap();
    assert!(pidfd::wait_exit(process.as_fd(), LONG));
    assert!(pidfd::has_exited(process.as_fd()), "dead, not yet collected");
    assert_eq!(waitpid(child, None), Ok(WaitStatus::Signaled(child, Signal::SIGKILL, false)));
    assert!(pidfd::has_exited(process.as_fd()), "collected");
    pidfd::signal(process.as_fd(), Signal::SIGKILL).unwrap();
    assert!(!pidfd::has_exited(pidfd::of_self().unwrap().as_fd()));
}

#[test]
fn many_rings_are_one() {
    let bell = eventfd::create().unwrap();
    assert!(!eventfd::drain(bell.as_fd()).unwrap());
    for _ in 0..3 {
        eventfd::signal(bell.as_fd()).unwrap();
    }
    assert!(poll::readable(bell.as_fd(), Some(Duration::ZERO)).unwrap());
    assert!(eventfd::drain(bell.as_fd()).unwrap());
    assert!(!eventfd::drain(bell.as_fd()).unwrap());
    assert!(!poll::readable(bell.as_fd(), Some(Duration::ZERO)).unwrap());
    nix::unistd::write(&bell, &(u64::MAX - 1).to_ne_bytes()).unwrap();
    eventfd::signal(bell.as_fd()).unwrap();
}

#[test]
fn a_bell_that_somebody_made_blocking_is_drained_all_the_same() {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let bell = eventfd::create().unwrap();
    fcntl(&bell, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    assert!(!eventfd::drain(bell.as_fd()).unwrap());
    eventfd::signal(bell.as_fd()).unwrap();
    assert!(eventfd::drain(bell.as_fd()).unwrap());
}

#[test]
fn a_fork_is_noticed_by_the_child_and_by_its_child() {
    let ours = fork_guard::token();
    check_in_child(|| {
        assert!(fork_guard::in_forked_child(ours));
        let child = fork_guard::token();
        assert!(child != ours && fork_guard::in_forked_child(ours) && !fork_guard::in_forked_child(child));
        check_in_child(|| fork_guard::in_forked_child(ours) && fork_guard::in_forked_child(child));
        true
    });
    assert!(!fork_guard::in_forked_child(ours));
    assert_eq!(fork_guard::token(), ours);
}

#[test]
fn all_threads_have_one_token() {
    check_in_child(|| {
        let token = fork_guard::token();
        thread::scope(|scope| {
            let others: Vec<_> = (0..4).map(|_| scope.spawn(fork_guard::token)).collect();
            others.into_iter().all(|other| other.join().is_ok_and(|other| other == token))
        })
    });
}
