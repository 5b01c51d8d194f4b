//! Forks, descriptors and what a process says about itself.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getppid, pipe2};

use super::{WATCHDOG, check_in_child};
use crate::Error;
use crate::sys::process::{self, Fork, Parent};
use crate::sys::socket;

const LONG: Option<Duration> = Some(Duration::from_secs(WATCHDOG as u64));

#[test]
fn a_second_thread_is_counted_and_refused() {
    let (release, held) = mpsc::channel::<()>();
    let other = thread::spawn(move || held.recv());
    assert!(process::thread_count().unwrap() >= 2);
    assert!(matches!(process::fork(), Err(Error::Threads { count }) if count >= 2));
    assert!(matches!(process::fork_unseen(Parent::This), Err(Error::Threads { .. })));
    drop(release);
    let _ = other.join().unwrap();
}

#[test]
fn joined_threads_do_not_prevent_a_fork() {
    check_in_child(|| {
        (0..100).all(|_| {
            thread::scope(|scope| drop(scope.spawn(|| ())));
            process::single_threaded().is_ok()
        })
    });
}

#[test]
fn a_fork_gives_both_sides() {
    check_in_child(|| match process::fork().unwrap() {
        Fork::Parent(child) => waitpid(child, None).is_ok_and(|end| end.pid() == Some(child)),
        Fork::Child => process::exit_now(0),
    });
}

#[test]
fn an_unseen_child_is_collected_by_its_pid_alone() {
    check_in_child(|| {
        let (ours, theirs) = socket::pair().unwrap();
        let child = match process::fork_unseen(Parent::This).unwrap() {
            Fork::Parent(child) => child,
            Fork::Child => {
                // Until the maker has looked for children.
                let _ = socket::receive(theirs.as_fd(), 1, LONG);
                process::exit_now(0)
            }
        };
        let unseen = waitpid(None, None) == Err(Errno::ECHILD);
        socket::send(ours.as_fd(), b"x", &[]).unwrap();
        process::collect(child);
        process::collect(child);
        unseen && waitpid(child, Some(WaitPidFlag::__WALL)) == Err(Errno::ECHILD)
    });
}

#[test]
fn an_unseen_sibling_is_its_makers_parents_child() {
    check_in_child(|| {
        let maker = Pid::this();
        let (ours, theirs) = socket::pair().unwrap();
        let template = match process::fork_unseen(Parent::This).unwrap() {
            Fork::Parent(child) => child,
            Fork::Child => {
                if let Fork::Child = process::fork_unseen(Parent::Same).unwrap() {
                    let says = if getppid() == maker { b"sibling" } else { b"no kin!" };
                    let _ = socket::send(
                        theirs.as_fd(),
                        &[&says[..], &Pid::this().as_raw().to_ne_bytes()].concat(),
                        &[],
                    );
                }
                process::exit_now(0)
            }
        };
        process::collect(template);
        let says = socket::receive(ours.as_fd(), 11, LONG).unwrap().bytes;
        let unseen = waitpid(None, None) == Err(Errno::ECHILD);
        process::collect(Pid::from_raw(i32::from_ne_bytes(says[7..].try_into().unwrap())));
        unseen
            && says.starts_with(b"sibling")
            && waitpid(None, Some(WaitPidFlag::__WALL)) == Err(Errno::ECHILD)
    });
}

#[test]
fn a_limit_on_processes_is_an_error() {
    check_in_child(|| {
        // SAFETY: no memory is passed.
        if unsafe { libc::geteuid() } == 0 {
            // Root has no limit on processes: become somebody who has none running.
            let nobody = 54_321;
            // SAFETY: no memory is passed.
            assert_eq!(unsafe { libc::setresuid(nobody, nobody, nobody) }, 0);
        }
        setrlimit(Resource::RLIMIT_NPROC, 1, 1).unwrap();
        let refused = process::fork_unseen(Parent::This);
        matches!(refused, Err(Error::Os { call: "fork", source }) if source.raw_os_error() == Some(libc::EAGAIN))
    });
}

fn is_open(fd: RawFd) -> bool {
    fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok()
}

/// Both ways to close: the kernel's ranges, and one by one.
#[test]
fn only_what_is_kept_stays_open() {
    for close in [process::close_all_but, process::close_one_by_one] {
        check_in_child(|| {
            let (kept, closed) = pipe2(OFlag::empty()).unwrap();
            let (also_closed, also_kept) = pipe2(OFlag::empty()).unwrap();
            let ([kept, closed], [also_kept, also_closed]) =
                ([kept.into_raw(), closed.into_raw()], [also_kept.into_raw(), also_closed.into_raw()]);
            close(&[also_kept, kept, kept, -1, 1]);
            let open = (0..200).filter(|&fd| is_open(fd)).collect::<Vec<_>>();
            let mut expected = vec![0, 1, 2, kept, also_kept];
            expected.sort_unstable();
            // The directory that is being read has a descriptor of its own only while it is read.
            !is_open(closed) && !is_open(also_closed) && open == expected
        });
    }
}

trait IntoRaw {
    fn into_raw(self) -> RawFd;
}

impl IntoRaw for std::os::fd::OwnedFd {
    fn into_raw(self) -> RawFd {
        std::os::fd::IntoRawFd::into_raw_fd(self)
    }
}

#[test]
fn the_gaps_are_all_that_is_not_kept() {
    let max = RawFd::MAX;
    assert_eq!(process::gaps(&[]), [(3, max)]);
    assert_eq!(process::gaps(&[0, 1, 2, -1]), [(3, max)]);
    assert_eq!(process::gaps(&[7, 3, 4, 7]), [(5, 6), (8, max)]);
    assert_eq!(process::gaps(&[5]), [(3, 4), (6, max)]);
}

#[test]
fn standard_input_from_nothing_ends_at_once() {
    for closed_before in [false, true] {
        check_in_child(|| {
            if closed_before {
                // SAFETY: this child reads nothing from it.
                unsafe { libc::close(0) };
            }
            process::stdin_from_nothing().unwrap();
            // SAFETY: descriptor 0 was just opened and stays open.
            let stdin = unsafe { std::os::fd::BorrowedFd::borrow_raw(0) };
            nix::unistd::read(stdin, &mut [0]) == Ok(0)
        });
    }
}

#[test]
fn closed_standard_descriptors_are_filled() {
    check_in_child(|| {
        let kept = fs::File::open("/dev/zero").unwrap();
        for fd in [0, 2] {
            // SAFETY: this child uses neither.
            unsafe { libc::close(fd) };
        }
        process::fill_standard_descriptors();
        is_open(0) && is_open(2) && kept.as_raw_fd() > 2
    });
}

#[test]
fn a_name_is_cut_between_characters() {
    let names =
        [("app: worker 2", "app: worker 2"), ("fourteen bytesé", "fourteen bytes"), ("a\0b", "ab"), ("", "")];
    for (name, expected) in names {
        check_in_child(|| {
            process::set_name(name);
            fs::read_to_string("/proc/self/comm").unwrap().trim_end_matches('\n') == expected
        });
    }
}

#[test]
fn an_out_of_memory_score_can_be_raised() {
    check_in_child(|| {
        process::set_oom_score(500) && fs::read_to_string("/proc/self/oom_score_adj").unwrap().trim() == "500"
    });
    check_in_child(|| !process::set_oom_score(5000));
}

#[test]
fn siblings_come_after_every_physical_core() {
    // Core 0 is 0 and 4, and so on.
    let siblings = |cpu: usize| format!("{},{}", cpu % 4, cpu % 4 + 4);
    assert_eq!(process::spread_by((0..8).collect(), siblings), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(process::spread_by(vec![4, 0, 5, 6, 2, 1], siblings), [4, 5, 6, 0, 2, 1]);
    // Neighbours are siblings.
    assert_eq!(process::spread_by((0..6).collect(), |cpu| (cpu / 2).to_string()), [0, 2, 4, 1, 3, 5]);
    assert_eq!(process::spread_by(vec![], siblings), [0_usize; 0]);
}

#[test]
fn spreading_loses_no_core() {
    let usable = process::usable_cpus().unwrap();
    let mut spread = process::spread(usable.clone());
    spread.sort_unstable();
    assert_eq!(spread, usable);
}

#[test]
fn one_goes_to_a_free_core_and_may_go_back() {
    check_in_child(|| {
        let usable = process::usable_cpus().unwrap();
        // The kernel may have it back at once, but not each time.
        let moved = (0..1000).any(|_| {
            let here = process::core();
            process::go_where(|core| Some(core) != here);
            process::core() != here
        });
        let elsewhere = usable.len() > 1;
        // Where none is free nothing happens.
        process::go_where(|_| false);
        moved == elsewhere && process::usable_cpus() == Some(usable)
    });
}
