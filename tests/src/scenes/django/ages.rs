//! How long a connection is kept: Django's `CONN_MAX_AGE`.

use super::Site;
use crate::tasks::connections::{Kind, backend_twice};
use crate::wild::clock;

/// `CONN_MAX_AGE = 0`: each call has a connection of its own, one however often it uses it.
pub fn age_zero_closes_after_each_call() {
    let mut site = Site::new();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (first, second) = site.call(backend_twice::call(Kind::EachCall)).expect("a connection");
        assert_eq!(first, second);
        assert!(!seen.contains(&first), "{first} was seen before: {seen:?}");
        seen.push(first);
        site.has_only(vec![]);
    }
    assert!(seen.iter().all(|&pid| site.said_goodbye(pid)));
}

/// `CONN_MAX_AGE = None`.
pub fn no_age_keeps() {
    let mut site = Site::of(1);
    let first = site.backend(Kind::Kept);
    for _ in 0..200 {
        assert_eq!(site.backend(Kind::Kept), first);
    }
    assert_eq!(site.pids(), [first]);
}

/// The number of connections is the number of workers, however many calls there are.
pub fn the_server_has_as_many_connections_as_there_are_workers() {
    let mut site = Site::of(3);
    let (pids, failed) = site.everywhere(Kind::Kept);
    assert_eq!((pids.len(), failed), (site.workers(), 0));
    for _ in 0..20 {
        let call = || site.pool.spawn(crate::tasks::connections::backend::call(Kind::Kept)).expect("a slot");
        let handles: Vec<_> = (0..100).map(|_| call()).collect();
        for handle in handles {
            let pid = handle.get().expect("a worker").expect("a connection");
            assert!(pids.contains(&pid), "{pid} is none of {pids:?}");
        }
        assert_eq!(site.pids(), pids);
    }
}

#[multicore::task]
fn pass_on_the_wall(seconds: i64) -> std::time::SystemTime {
    clock::pass_on_the_wall(seconds);
    std::time::SystemTime::now()
}

#[multicore::task]
fn pass(seconds: i64) {
    clock::pass(seconds);
}

/// `time.monotonic()` there. Only in the program `clocks`, whose clocks can be moved.
pub fn age_is_measured_by_a_monotonic_clock() {
    let mut site = Site::of(1);
    let first = site.backend(Kind::Aging);
    // The wall's clock jumps by two days, there and back and further.
    let day = 24 * 60 * 60;
    let before = site.call(pass_on_the_wall::call(0));
    for (jump, far) in [(2 * day, 2 * day), (-4 * day, -2 * day)] {
        let after = site.call(pass_on_the_wall::call(jump));
        let moved = match after.duration_since(before) {
            Ok(ahead) => ahead.as_secs() as i64,
            Err(behind) => -(behind.duration().as_secs() as i64),
        };
        assert!((moved - far).abs() < day, "the clock moved by {moved} s");
        assert_eq!(site.backend(Kind::Aging), first, "after {jump} s on the wall");
    }
    // Nine minutes pass, and two more: it is kept for ten.
    site.call(pass::call(9 * 60));
    assert_eq!(site.backend(Kind::Aging), first, "after nine minutes");
    site.call(pass::call(2 * 60));
    let second = site.backend(Kind::Aging);
    assert_ne!(second, first, "after eleven minutes");
    site.has_only(vec![second]);
    assert!(site.said_goodbye(first));
}
