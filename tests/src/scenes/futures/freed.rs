//! What nobody needs is let go: arguments once they are sent, and results once they are given.

use std::cell::Cell;

use multicore::as_completed;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::open;
use crate::fixture::Folder;
use crate::rig::{Rig, with_pool};
use crate::scenes::short::wait_for;

thread_local! {
    /// How many a thread has made and not dropped.
    static LIVING: Cell<i64> = const { Cell::new(0) };
}

fn living() -> i64 {
    LIVING.get()
}

/// A value that is counted in the thread that has it.
#[derive(Debug)]
struct Counted(u64);

impl Counted {
    fn new(n: u64) -> Counted {
        LIVING.set(living() + 1);
        Counted(n)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVING.set(living() - 1);
    }
}

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u64::deserialize(from).map(Counted::new)
    }
}

/// How many there are, with the argument; panics at one number.
#[multicore::task]
fn take(value: Counted) -> i64 {
    assert_ne!(value.0, 13, "taken amiss");
    living()
}

/// Makes one.
#[multicore::task]
fn give(n: u64) -> Counted {
    Counted::new(n)
}

/// How many the worker has left.
#[multicore::task]
fn left() -> i64 {
    living()
}

/// `test_no_stale_references` of CPython's `ExecutorTest`: long before the call runs, and though nobody collects it.
pub fn an_argument_is_let_go_once_its_call_is_sent() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let gate = folder.file("gate");
    let blocking = rig.pool.spawn(wait_for::call(&gate)).unwrap();
    let queued = rig.pool.spawn(take::call(Counted::new(1))).unwrap();
    drop(rig.pool.spawn(take::call(Counted::new(2))).unwrap());
    assert_eq!(living(), 0);
    assert!(!queued.is_finished());
    open(&gate);
    blocking.get().unwrap();
    assert_eq!(queued.get().unwrap(), 1);
    rig.end();
}

/// `test_ressources_gced_in_workers` of CPython's `ProcessPoolExecutorTest`: whether the function returns or panics,
/// and its result as well.
pub fn a_worker_keeps_nothing_of_a_call_that_is_over() {
    let rig = Rig::new(1);
    let left = || rig.pool.spawn(left::call()).unwrap().get().unwrap();
    assert_eq!(rig.pool.spawn(take::call(Counted::new(1))).unwrap().get().unwrap(), 1);
    assert_eq!(left(), 0);
    assert!(rig.pool.spawn(take::call(Counted::new(13))).unwrap().get().is_err());
    assert_eq!(left(), 0);
    assert_eq!(rig.pool.spawn(give::call(3)).unwrap().get().unwrap().0, 3);
    assert_eq!(left(), 0);
    assert_eq!(living(), 0);
    rig.end();
}

/// `test_free_reference` of CPython's `ExecutorTest` and `test_free_reference_yielded_future` of its
/// `AsCompletedTests`.
pub fn iterators_keep_no_result_that_they_gave() {
    with_pool(|rig| {
        for (n, result) in (0..).zip(rig.pool.map((0..100).map(give::call)).in_flight(10)) {
            let value = result.unwrap();
            assert_eq!((value.0, living()), (n, 1));
        }
        let handles: Vec<_> = (0..100).map(|n| rig.pool.spawn(give::call(n)).unwrap()).collect();
        for (n, result) in as_completed(handles) {
            let value = result.unwrap();
            assert_eq!((value.0, living()), (n as u64, 1));
        }
        assert_eq!(living(), 0);
    });
}
