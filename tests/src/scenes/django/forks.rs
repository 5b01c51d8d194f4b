//! Connections that were there before a fork. Whoever uses one after it, or closes it, speaks in its parent's name:
//! the server then hears two at once, or ends the connection of one that goes on.
//!
//! In a program with one thread, as a fork asks for.

use std::os::fd::RawFd;

use multicore::{Config, Forked, Pool, fork};

use super::Site;
use crate::tasks::connections::{self, Kind, fork_inside, pid, with};
use crate::wild;

fn own() -> i32 {
    with(Kind::Own, pid).expect("a connection")
}

/// That this process's connection is the one of before, answers in order and was never said goodbye on.
#[track_caller]
fn is_untouched(site: &mut Site, before: i32) {
    for number in 0..100 {
        let echoed =
            with(Kind::Own, |client| client.query_one("SELECT $1::int, pg_backend_pid()", &[&number]));
        let row = echoed.expect("it is as good as new");
        assert_eq!((row.get::<_, i32>(0), row.get::<_, i32>(1)), (number, before));
    }
    assert!(site.pids().contains(&before));
    assert!(
        !site.notes(before, "disconnection") && !site.notes(before, "unexpected"),
        "{:?}",
        site.noted(before)
    );
}

/// Those that are open here, but for the standard ones.
fn descriptors() -> Vec<RawFd> {
    let names = std::fs::read_dir("/proc/self/fd").expect("a list").flatten().map(|entry| entry.file_name());
    let numbers: Vec<RawFd> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
    // The list's own is closed by now.
    let open = |fd: &RawFd| *fd > 2 && std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok();
    numbers.into_iter().filter(open).collect()
}

/// Workers start by fork, from a program that has a connection.
pub fn workers_leave_alone_what_was_made_before_they_were_forked() {
    let before = own();
    // Among them what the connection's runtime has once a process, and asks for again when the next one is made.
    let fds = descriptors();
    multicore::initialize_with(Config::new().workers(2).keep_fds(fds.clone())).expect("one thread");
    let mut site = Site::with(Pool::builder().workers(2).keep_fds(fds));
    let (theirs, failed) = site.everywhere(Kind::Own);
    assert_eq!((theirs.len(), failed), (2, 0));
    assert!(!theirs.contains(&before), "{theirs:?} {before}");
    is_untouched(&mut site, before);
    site.has_only([&theirs[..], &[before]].concat());
    site.pool.shutdown();
    multicore::shutdown();
    site.has_only(vec![before]);
    assert!(theirs.iter().all(|&pid| site.said_goodbye(pid)));
    is_untouched(&mut site, before);
}

/// A child of the client: by `multicore::fork`, and by a fork of the program's own.
pub fn a_child_of_the_client_leaves_alone_what_its_parent_has() {
    let mut site = Site::with(Pool::builder().workers(1));
    let before = own();
    let child = fork(|| (own(), own())).and_then(Forked::join).expect("a child");
    assert_eq!(child.0, child.1);
    assert_ne!(child.0, before);
    is_untouched(&mut site, before);
    // One that never uses it, and one that ends as a program does.
    fork(|| ()).and_then(Forked::join).expect("a child");
    is_untouched(&mut site, before);
    let plain = wild::fork(|| i32::from(own() == before));
    let status = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(plain), None).expect("a child");
    assert!(matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)), "{status:?}");
    is_untouched(&mut site, before);
    site.has_only(vec![before]);
}

/// A child of a worker, forked by a task.
pub fn a_child_of_a_worker_leaves_alone_what_its_parent_has() {
    let mut site = Site::of(1);
    for _ in 0..3 {
        let (before, child, after) = site.call(fork_inside::call()).expect("a connection");
        assert_eq!(before, after);
        assert_ne!(child.expect("a connection of the child's own"), before);
        assert_eq!(site.call(connections::backend::call(Kind::Kept)).expect("a connection"), before);
        site.has_only(vec![before]);
        assert!(!site.notes(before, "disconnection") && !site.notes(before, "unexpected"));
    }
}
