//! Pools that are shut down: with calls pending, with calls cancelled, and while workers come to their end.

use std::thread;
use std::time::Duration;

use multicore::{Error, Handle, Pool, Result};

use super::{LONG, open, wait_and_abort};
use crate::fixture::Folder;
use crate::procfs::{self, Stat};
use crate::rig::{Rig, builder};
use crate::scenes::short::wait_for;
use crate::tasks::{self, FailsInSerialize, abort, nap, note, panic_literal, parent, square, stubborn};
use crate::watch::eventually;

/// Shuts a pool down; `meanwhile` runs as soon as nothing new is accepted.
fn shut_down(pool: &Pool, meanwhile: impl FnOnce()) {
    thread::scope(|scope| {
        scope.spawn(|| pool.shutdown());
        eventually("nothing new is accepted", || matches!(pool.spawn(square::call(1)), Err(Error::Closed)));
        meanwhile();
    });
}

/// Squares in order.
#[track_caller]
fn are_squares(handles: Vec<Handle<u64>>) {
    let squares: Vec<u64> = handles.into_iter().map(Handle::get).collect::<Result<_>>().unwrap();
    assert_eq!(squares, (0..).map(|n| n * n).take(squares.len()).collect::<Vec<_>>());
}

fn squares(pool: &Pool, count: u64) -> Vec<Handle<u64>> {
    (0..count).map(|n| pool.spawn(square::call(n)).unwrap()).collect()
}

/// `test_cancel_futures` of CPython's `ExecutorShutdownTest`: those that are queued are cancelled by their handles,
/// never run, and are not waited for.
pub fn calls_that_are_cancelled_hold_no_shutdown_up() {
    let folder = Folder::new();
    let (gate, notes) = (folder.file("gate"), folder.file("notes"));
    let pool = builder().workers(2).shutdown_timeout(LONG).build().unwrap();
    let running = [(); 2].map(|()| pool.spawn(wait_for::call(&gate)).unwrap());
    eventually("both run", || pool.state().workers.iter().all(|worker| worker.task.is_some()));
    let queued: Vec<_> = (0..50).map(|n| pool.spawn(note::call(&notes, n)).unwrap()).collect();
    shut_down(&pool, || {
        queued.iter().for_each(Handle::cancel);
        open(&gate);
    });
    running.into_iter().for_each(|handle| handle.get().unwrap());
    assert!(queued.into_iter().all(|handle| matches!(handle.get(), Err(Error::Cancelled { .. }))));
    assert!(!std::fs::exists(notes).unwrap());
}

/// `test_hang_gh94440` of CPython's `ExecutorShutdownTest`.
pub fn a_call_cancelled_right_before_shutdown_is_settled() {
    for _ in 0..10 {
        let pool = builder().workers(1).shutdown_timeout(LONG).build().unwrap();
        assert_eq!(pool.spawn(square::call(2)).unwrap().get().unwrap(), 4);
        let handle = pool.spawn(nap::call(600_000)).unwrap();
        handle.cancel();
        pool.shutdown();
        assert!(matches!(handle.get(), Err(Error::Cancelled { .. })));
    }
}

/// `test_shutdown_race_issue12456` of CPython's `ExecutorTest`: with more calls than workers, most of them detached.
pub fn a_pool_is_shut_down_right_behind_its_calls() {
    for workers in [1, 2, 3] {
        for _ in 0..5 {
            let pool = builder().workers(workers).slots(4).build().unwrap();
            (0..workers).for_each(|_| drop(pool.spawn(nap::call(0)).unwrap()));
            let last = pool.spawn(square::call(7)).unwrap();
            pool.shutdown();
            assert_eq!(last.get().unwrap(), 49);
        }
    }
}

/// `test_shutdown_deadlock` of CPython's `ExecutorDeadlockTest`: what is queued behind it runs.
pub fn a_worker_that_dies_during_shutdown_costs_its_call_alone() {
    let folder = Folder::new();
    let gate = folder.file("gate");
    let pool = builder().workers(1).shutdown_timeout(LONG).build().unwrap();
    let victim = pool.spawn(wait_and_abort::call(&gate)).unwrap();
    let queued = squares(&pool, 20);
    shut_down(&pool, || open(&gate));
    assert!(matches!(victim.get(), Err(Error::Died { started: true, .. })));
    are_squares(queued);
}

/// `test_shutdown_deadlock_pickle` of CPython's `ExecutorDeadlockTest`: there it is the future's error, here it comes
/// before there is a handle.
pub fn a_call_that_cannot_be_sent_is_not_waited_for() {
    let pool = builder().workers(2).shutdown_timeout(LONG).build().unwrap();
    let accepted = squares(&pool, 5);
    let sent = pool.spawn(tasks::take_fails_ser::call(FailsInSerialize(1)));
    assert!(matches!(sent, Err(Error::Encode { what: "the arguments", .. })));
    pool.shutdown();
    are_squares(accepted);
}

/// `test_max_tasks_early_shutdown`, `test_shutdown_no_wait_max_tasks_gh119592` and
/// `test_gc_during_max_tasks_worker_exit_gh152967` of CPython's `ProcessPoolExecutorTest`: what was accepted has its
/// result, with as many workers as it takes.
pub fn workers_are_replaced_during_shutdown_for_what_was_accepted() {
    for workers in [1, 3] {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let pool = builder().workers(workers).max_calls(1).shutdown_timeout(LONG).build().unwrap();
        let first: Vec<_> = (0..workers).map(|_| pool.spawn(wait_for::call(&gate)).unwrap()).collect();
        let queued = squares(&pool, 6);
        shut_down(&pool, || open(&gate));
        first.into_iter().for_each(|handle| handle.get().unwrap());
        are_squares(queued);
    }
}

/// `test_shutdown_gh_132969_case_1` and `_case_2` of CPython's `ProcessPoolShutdownTest`.
pub fn an_error_beside_workers_of_one_call_is_no_hindrance_to_shutdown() {
    for workers in [2, 4] {
        let pool = builder().workers(workers).max_calls(1).shutdown_timeout(LONG).build().unwrap();
        let [first, panics, last] =
            [nap::call(1), panic_literal::call(), nap::call(50)].map(|call| pool.spawn(call).unwrap());
        assert_eq!(first.get().unwrap(), 1);
        assert!(matches!(panics.get(), Err(Error::Panicked { .. })));
        pool.shutdown();
        assert_eq!(last.get().unwrap(), 50);
    }
}

/// The supervisor and what it watches over.
fn processes(pool: &Pool) -> Vec<Stat> {
    let supervisor = pool.spawn(parent::call()).unwrap().get().unwrap();
    let mut found = procfs::children(supervisor);
    found.extend(procfs::stat(supervisor));
    found
}

/// `test_force_shutdown_workers`, `_dead_workers`, `_not_started_yet` and `_stops_pool`, and
/// `test_force_shutdown_during_max_tasks_worker_exit` of CPython's `ProcessPoolExecutorTest`, which has methods for it:
/// here a pool is made so that it waits for nobody.
pub fn a_pool_that_waits_for_nobody_ends_its_workers_at_once() {
    let config = || builder().workers(2).shutdown_timeout(Duration::ZERO);
    config().build().unwrap().shutdown();
    for config in [config(), config().max_calls(1)] {
        let folder = Folder::new();
        let rig = Rig::with(config);
        assert!(matches!(rig.pool.spawn(abort::call()).unwrap().get(), Err(Error::Died { .. })));
        let before = processes(&rig.pool);
        let running = rig.pool.spawn(stubborn::call(&folder.file("stubborn"))).unwrap();
        let worker = folder.process("stubborn");
        let queued: Vec<_> = (0..5).map(|_| rig.pool.spawn(nap::call(600_000)).unwrap()).collect();
        rig.pool.shutdown();
        assert!(!worker.lives() && !before.iter().any(Stat::lives));
        assert!(matches!(rig.pool.spawn(square::call(1)), Err(Error::Closed)));
        for handle in queued.into_iter().chain([running]) {
            let end = handle.get();
            assert!(matches!(end, Err(Error::Closed)), "{end:?}");
        }
    }
}
