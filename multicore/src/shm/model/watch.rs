//! The races of those who await calls with those who settle them.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use super::check;
use crate::shm::hint::HintSet;
use crate::shm::watch::Watch;
use crate::shm::word::{Settled, Word};

/// A call that runs, and the watch over its pool.
#[derive(Clone)]
struct Pool(Arc<(AtomicU64, [AtomicU64; 1], AtomicU64)>);

impl Pool {
    /// With the flags of the bell, and the number of the call.
    fn running(bell: u64) -> (Pool, u32) {
        let word = AtomicU64::new(0);
        let generation = word.reserve().expect("a new word is free");
        assert!(word.publish(generation) && word.claim(1) && word.begin(1));
        (Pool(Arc::new((word, [AtomicU64::new(0)], AtomicU64::new(bell)))), generation)
    }

    fn word(&self) -> &AtomicU64 {
        &self.0.0
    }

    fn watch(&self) -> Watch<'_, AtomicU64> {
        Watch { told: HintSet::over(&self.0.1, 64), bell: &self.0.2 }
    }

    /// As a worker does; whether it rang.
    fn finish(&self) -> bool {
        matches!(self.word().finish(1), Settled::Kept { wake: true, .. }) && self.watch().tell(3)
    }
}

#[test]
fn a_call_that_is_awaited_is_told_of_or_seen_to_be_settled() {
    // The second time somebody waited for it before, so that the waiting bit is set already.
    for waited in [false, true] {
        loom::model(move || {
            let (pool, generation) = Pool::running(0);
            if waited {
                assert!(pool.word().wait(generation).is_ok());
            }
            let there = pool.clone();
            let worker = thread::spawn(move || there.finish());
            pool.watch().begin();
            let pending = pool.word().wait(generation).is_ok();
            let _rang = worker.join().expect("the model's thread");
            assert!(!pending || pool.watch().told.contains(3), "nobody looks at a call that is awaited");
        });
    }
}

#[test]
fn a_second_one_that_awaits_under_the_same_watch_is_told_of_too() {
    check(3, || {
        let (pool, generation) = Pool::running(0);
        assert!(pool.word().wait(generation).is_ok());
        let (there, other) = (pool.clone(), pool.clone());
        let worker = thread::spawn(move || there.finish());
        // Some other call is awaited, and begins the watch.
        let first = thread::spawn(move || other.watch().begin());
        pool.watch().begin();
        let pending = pool.word().wait(generation).is_ok();
        let _rang = worker.join().expect("the model's thread");
        first.join().expect("the model's thread");
        assert!(!pending || pool.watch().told.contains(3), "nobody looks at a call that is awaited");
    });
}

#[test]
fn what_is_told_is_found_or_rings() {
    loom::model(|| {
        let (pool, generation) = Pool::running(1);
        assert!(pool.word().wait(generation).is_ok());
        let there = pool.clone();
        let worker = thread::spawn(move || there.finish());
        let sleeps = pool.watch().rest();
        let rang = worker.join().expect("the model's thread");
        // Changed, so that the kernel does not let it sleep, or woken.
        assert!(sleeps.is_none() || rang, "the thread sleeps and nobody wakes it");
    });
}

#[test]
fn of_two_that_tell_a_sleeper_one_rings_and_both_are_heard() {
    loom::model(|| {
        let (pool, _) = Pool::running(1);
        assert!(pool.watch().rest().is_some());
        let there = pool.clone();
        let other = thread::spawn(move || there.watch().tell(4));
        let rang = pool.watch().tell(5);
        assert!(other.join().expect("the model's thread") != rang);
        assert_eq!(pool.watch().heard().map(|members| members.bits), Some(0b11_0000));
    });
}

/// Whoever settles a call may be another process.
#[test]
fn what_is_heard_of_is_seen_to_be_settled() {
    loom::model(|| {
        let (pool, generation) = Pool::running(1);
        assert!(pool.word().wait(generation).is_ok());
        let there = pool.clone();
        let worker = thread::spawn(move || there.finish());
        if pool.watch().heard().is_some() {
            assert!(pool.word().wait(generation).is_err(), "it was told of, and seems to run");
        }
        let _rang = worker.join().expect("the model's thread");
    });
}
