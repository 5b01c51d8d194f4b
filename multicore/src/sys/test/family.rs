//! Parents, children, groups, and signals.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getpgrp, getppid};

use super::{WATCHDOG, check_in_child, in_child};
use crate::sys::process::{self, End, Fork, Reaped, exit_now};
use crate::sys::{eventfd, poll, signals, socket};

const LONG: Option<Duration> = Some(Duration::from_secs(WATCHDOG as u64));

/// Collects whichever child has ended, as the supervisor does.
fn reap_any() -> Option<Reaped> {
    process::peek_dead().and_then(process::reap)
}

/// A child of the calling single-threaded process.
fn child(body: impl FnOnce()) -> Pid {
    match process::fork().unwrap() {
        Fork::Parent(child) => child,
        Fork::Child => {
            nix::unistd::alarm::set(WATCHDOG);
            body();
            exit_now(0)
        }
    }
}

fn sleep() {
    nix::unistd::sleep(WATCHDOG);
}

/// Waits until a child has ended, then reaps.
fn reap_one() -> process::Reaped {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::__WALL;
    waitid(Id::All, look).unwrap();
    reap_any().unwrap()
}

#[test]
fn reaping_tells_how_and_what_it_cost() {
    check_in_child(|| {
        assert!(reap_any().is_none(), "no child");
        let leaves = child(|| exit_now(3));
        let reaped = reap_one();
        assert_eq!((reaped.pid, reaped.end), (leaves, End::Code(3)));
        assert!(reaped.peak_memory > 4096);
        let sleeps = child(sleep);
        assert!(reap_any().is_none(), "still alive");
        process::kill(sleeps, Signal::SIGKILL).unwrap();
        let reaped = reap_one();
        assert_eq!((reaped.pid, reaped.end), (sleeps, End::Signal(libc::SIGKILL)));
        reap_any().is_none()
    });
}

#[test]
fn time_on_a_core_is_counted() {
    check_in_child(|| {
        child(|| {
            let busy = || {
                nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap().user_time()
            };
            while busy() < nix::sys::time::TimeVal::new(0, 20_000) {}
        });
        reap_one().cpu >= Duration::from_millis(20)
    });
}

/// Both ways to list children must see the same.
#[test]
fn children_are_listed() {
    check_in_child(|| {
        assert_eq!(process::children().unwrap(), []);
        let mut expected = vec![child(sleep), child(sleep)];
        expected.sort_unstable();
        let sorted = |mut pids: Vec<Pid>| {
            pids.sort_unstable();
            pids
        };
        assert_eq!(sorted(process::children().unwrap()), expected);
        assert_eq!(sorted(process::children_found(Pid::this()).unwrap()), expected);
        for &pid in &expected {
            process::kill(pid, Signal::SIGKILL).unwrap();
        }
        expected.iter().all(|_| reap_one().end == End::Signal(libc::SIGKILL))
    });
}

#[test]
fn a_subreaper_adopts_orphans() {
    check_in_child(|| {
        process::become_subreaper().unwrap();
        let (ours, theirs) = socket::pair().unwrap();
        let middle = child(|| {
            child(|| {
                let _ = socket::receive(theirs.as_fd(), 1, LONG);
            });
        });
        process::collect(middle);
        let adopted = process::children().unwrap();
        socket::send(ours.as_fd(), b"x", &[]).unwrap();
        adopted.len() == 1 && reap_one().pid == adopted[0]
    });
}

#[test]
fn a_group_is_killed_whole() {
    check_in_child(|| {
        process::become_subreaper().unwrap();
        let (ours, theirs) = socket::pair().unwrap();
        let leader = child(|| {
            process::own_group().unwrap();
            child(sleep);
            socket::send(theirs.as_fd(), b"x", &[]).unwrap();
            sleep();
        });
        socket::receive(ours.as_fd(), 1, LONG).unwrap();
        assert_ne!(getpgrp(), leader);
        process::kill_group(leader, Signal::SIGKILL).unwrap();
        let killed = |end: End| end == End::Signal(libc::SIGKILL);
        assert!(killed(reap_one().end) && killed(reap_one().end));
        process::kill_group(leader, Signal::SIGKILL).is_ok() && reap_any().is_none()
    });
}

#[test]
fn nobody_signals_everybody() {
    for pid in [-5, -1, 0, 1].map(Pid::from_raw) {
        assert!(process::kill(pid, Signal::SIGKILL).is_err(), "{pid}");
        assert!(process::kill_group(pid, Signal::SIGKILL).is_err(), "{pid}");
    }
}

#[test]
fn a_child_dies_with_its_parent() {
    check_in_child(|| {
        process::become_subreaper().unwrap();
        let parent = child(|| {
            let parent = Pid::this();
            let (ours, theirs) = socket::pair().unwrap();
            child(|| {
                assert!(process::die_with_parent(parent));
                socket::send(theirs.as_fd(), b"x", &[]).unwrap();
                sleep();
            });
            socket::receive(ours.as_fd(), 1, LONG).unwrap();
        });
        let first = reap_one();
        assert_eq!((first.pid, first.end), (parent, End::Code(0)));
        reap_one().end == End::Signal(libc::SIGKILL)
    });
}

#[test]
fn a_parent_that_died_first_is_noticed() {
    check_in_child(|| {
        let stranger = Pid::from_raw(getppid().as_raw() + 1);
        !process::die_with_parent(stranger)
    });
}

#[test]
fn ends_of_children_arrive_on_the_descriptor() {
    check_in_child(|| {
        let fd = signals::bell_for_children().unwrap();
        assert!(!eventfd::drain(fd.as_fd()).unwrap());
        child(|| ());
        assert!(poll::readable(fd.as_fd(), LONG).unwrap());
        assert!(eventfd::drain(fd.as_fd()).unwrap());
        !eventfd::drain(fd.as_fd()).unwrap() && reap_one().end == End::Code(0)
    });
}

#[test]
fn a_reset_child_has_defaults_and_an_empty_mask() {
    let end = in_child(|| {
        signals::for_supervisor().unwrap();
        SigSet::all().thread_block().unwrap();
        signals::reset_all();
        assert_eq!(SigSet::thread_get_mask(), Ok(SigSet::empty()));
        raise(Signal::SIGTERM).unwrap();
        1
    });
    assert!(matches!(end, WaitStatus::Signaled(_, Signal::SIGTERM, _)), "{end:?}");
}

#[test]
fn a_worker_drops_interrupts_and_ends_at_term() {
    let end = in_child(|| {
        signals::reset_all();
        signals::for_worker().unwrap();
        for dropped in [Signal::SIGINT, Signal::SIGTTIN, Signal::SIGTTOU, Signal::SIGPIPE] {
            raise(dropped).unwrap();
        }
        raise(Signal::SIGTERM).unwrap();
        1
    });
    assert!(matches!(end, WaitStatus::Signaled(_, Signal::SIGTERM, _)), "{end:?}");
}

#[test]
fn a_supervisor_drops_every_polite_request() {
    let end = in_child(|| {
        signals::reset_all();
        signals::for_supervisor().unwrap();
        for dropped in [Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGPIPE] {
            raise(dropped).unwrap();
        }
        7
    });
    assert!(matches!(end, WaitStatus::Exited(_, 7)), "{end:?}");
}

/// An ignored SIGINT would pass to what a task starts; a caught one does not.
#[test]
fn a_subprocess_of_a_worker_can_be_interrupted() {
    check_in_child(|| {
        signals::reset_all();
        signals::for_worker().unwrap();
        let shell = std::process::Command::new("/bin/sh").args(["-c", "kill -INT $$"]).status();
        use std::os::unix::process::ExitStatusExt;
        shell.unwrap().signal() == Some(libc::SIGINT)
    });
}
