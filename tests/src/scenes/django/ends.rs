//! Ends of workers and of threads: what django-thread is for.

use std::thread;

use multicore::{Backend, Handle, Pool};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Site;
use crate::tasks::connections::{self, Kind, NOTES, both_noted, pid};
use crate::tasks::whoami;
use crate::watch::eventually;

/// At the end of a pool, and of a worker that is replaced after so many calls.
pub fn a_worker_that_ends_says_goodbye() {
    let mut site = Site::new();
    let (pids, failed) = site.everywhere(Kind::Kept);
    assert_eq!((pids.len(), failed), (site.workers(), 0));
    site.pool.shutdown();
    site.has_only(vec![]);
    assert!(pids.iter().all(|&pid| site.said_goodbye(pid)));
}

/// Where it is replaced after so many calls.
pub fn a_recycled_worker_says_goodbye() {
    let mut site = Site::with(Pool::builder().workers(1).max_calls(3));
    let pids: Vec<i32> = (0..9).map(|_| site.backend(Kind::Kept)).collect();
    let mut different = pids.clone();
    different.dedup();
    assert_eq!(different.len(), 3, "{pids:?}");
    site.pool.shutdown();
    site.has_only(vec![]);
    assert!(different.iter().all(|&pid| site.said_goodbye(pid)));
}

/// The server sees the end of its socket, and nothing before it; the next worker has a connection of its own.
pub fn a_killed_worker_says_nothing_and_its_connection_is_gone() {
    let mut site = Site::of(1);
    let first = site.backend(Kind::Kept);
    kill(Pid::from_raw(site.call(whoami::call())), Signal::SIGKILL).expect("it lives");
    let mut second = first;
    eventually("another worker answers", || {
        let outcome = site.pool.spawn(connections::backend::call(Kind::Kept)).and_then(Handle::get);
        outcome.is_ok_and(|pid| {
            second = pid.expect("a connection");
            true
        })
    });
    assert_ne!(second, first);
    site.has_only(vec![second]);
    assert!(!site.said_goodbye(first));
}

/// The one that was made first is the last to be closed.
pub fn connections_are_closed_in_reverse_order() {
    let mut site = Site::of(1);
    let notes = std::env::var(NOTES).expect("a file for notes");
    let (first, second) = site.call(both_noted::call()).expect("connections");
    assert_eq!(site.pids().len(), 2);
    site.pool.shutdown();
    eventually("both are noted", || {
        std::fs::read_to_string(&notes).is_ok_and(|text| text.lines().count() == 2)
    });
    assert_eq!(std::fs::read_to_string(&notes).expect("notes"), "2\n1\n");
    site.has_only(vec![]);
    assert!(site.said_goodbye(first) && site.said_goodbye(second));
}

#[multicore::threaded]
fn in_a_thread() -> Option<i32> {
    connections::with(Kind::Own, pid).ok()
}

/// Django has a connection for each thread, and closes it when a request ends, which threads of one's own have
/// none of. Here: threads of `#[threaded]`, of the standard library, and those that an inline pool is used on.
pub fn a_thread_that_ends_closes_its_connection() {
    let mut site = Site::new();
    let own = || connections::with(Kind::Own, pid).expect("a connection");
    let kept = own();
    let threaded = in_a_thread().expect("a thread").join().expect("no panic").expect("a connection");
    site.has_only(vec![kept]);
    let plain = thread::spawn(own).join().expect("no panic");
    site.has_only(vec![kept]);
    let panicked = thread::spawn(move || std::panic::resume_unwind(Box::new(own())));
    let panicked = *panicked.join().unwrap_err().downcast::<i32>().expect("its connection");
    site.has_only(vec![kept]);
    assert!([threaded, plain, panicked].iter().all(|&pid| pid != kept && site.said_goodbye(pid)));
    assert_eq!(own(), kept, "this thread's is its own");
}

/// The calling thread is the worker there.
pub fn a_thread_that_called_inline_closes_its_connection() {
    let mut site = Site::new();
    assert_eq!(site.pool.backend(), Backend::Inline);
    let kept = site.backend(Kind::Kept);
    let call = |pool: &Pool| pool.spawn(connections::backend::call(Kind::Kept)).and_then(Handle::get);
    let pool = &site.pool;
    let other = thread::scope(|scope| scope.spawn(|| call(pool)).join().expect("no panic"));
    let other = other.expect("it runs there").expect("a connection");
    assert_ne!(other, kept);
    site.has_only(vec![kept]);
    assert!(site.said_goodbye(other));
}
