//! Waiting for one, for the first error, for all.

use std::time::Duration;

use multicore::{Error, Handle, as_completed, join_all, select_first};

use super::{open, wait_and_panic};
use crate::fixture::Folder;
use crate::rig::{Rig, with_pool};
use crate::scenes::short::wait_for;
use crate::tasks::{abort, announce, checked_half, nap, panic_literal, square};
use crate::watch::eventually;

/// `test_result_with_timeout`, `test_exception_with_timeout`, `test_done` and `test_repr` of CPython's
/// `FutureTests`.
pub fn no_time_at_all_is_enough_for_what_is_settled() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let settled = [square::call(5), panic_literal::call(), abort::call()];
    let settled = settled.map(|call| rig.pool.spawn(call).unwrap());
    eventually("all have settled", || settled.iter().all(Handle::is_finished));
    let running = rig.pool.spawn(announce::call(&folder.file("running"), 600_000)).unwrap();
    folder.process("running");
    let (queued, cancelled) =
        (rig.pool.spawn(square::call(6)).unwrap(), rig.pool.spawn(nap::call(7)).unwrap());
    cancelled.cancel();
    assert!(cancelled.is_finished() && !queued.is_finished() && !running.is_finished());
    assert!(format!("{queued:?}").contains("square") && format!("{queued:?}").contains("finished: false"));
    assert!(format!("{cancelled:?}").contains("nap") && format!("{cancelled:?}").contains("finished: true"));

    let now = |handle: Handle<u64>| handle.get_timeout(Duration::ZERO).map_err(Box::new);
    let [finished, panicked, died] = settled.map(now);
    assert_eq!(finished.unwrap().unwrap(), 25);
    assert!(matches!(panicked, Ok(Err(Error::Panicked { .. }))), "{panicked:?}");
    assert!(matches!(died, Ok(Err(Error::Died { .. }))), "{died:?}");
    assert!(matches!(now(cancelled), Ok(Err(Error::Cancelled { .. }))));
    let (running, queued) = (now(running).unwrap_err(), now(queued).unwrap_err());
    running.cancel();
    assert!(matches!(running.get(), Err(Error::Cancelled { .. })));
    assert_eq!(queued.get().unwrap(), 36);
    rig.end();
}

/// `test_first_completed_some_already_completed` of CPython's `WaitTests`: one is taken, and the others that are
/// finished stay so.
pub fn of_several_that_are_finished_one_is_selected() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let calls = [wait_for::call(&gate), wait_for::call(""), wait_for::call("")];
        let calls = calls.into_iter().chain([wait_for::call(&gate)]);
        let handles: Vec<_> = calls.map(|call| rig.pool.spawn(call).unwrap()).collect();
        handles[3].cancel();
        eventually("three have settled", || handles[1..].iter().all(Handle::is_finished));
        let first = select_first(handles).unwrap();
        first.result.unwrap();
        let finished: Vec<_> = first.rest.iter().map(|(at, handle)| (*at, handle.is_finished())).collect();
        assert_eq!((first.index, finished), (1, vec![(0, false), (2, true), (3, true)]));
        open(&gate);
        let ends: Vec<_> = first.rest.into_iter().map(|(_, handle)| handle.get()).collect();
        assert!(matches!(ends[..], [Ok(()), Ok(()), Err(Error::Cancelled { .. })]), "{ends:?}");
    });
}

/// `test_first_exception` of CPython's `WaitTests`: the first error of as many as are completed.
pub fn the_first_error_is_found_while_others_run() {
    let rig = Rig::new(3);
    let folder = Folder::new();
    let gates = ["panics", "waits"].map(|name| folder.file(name));
    let calls = [wait_for::call(""), wait_and_panic::call(&gates[0]), wait_for::call(&gates[1])];
    let mut completed = as_completed(calls.map(|call| rig.pool.spawn(call).unwrap()));
    let mut seen = Vec::new();
    let error = completed.by_ref().find(|(at, result)| {
        seen.push(*at);
        if *at == 0 {
            open(&gates[0]);
        }
        result.is_err()
    });
    assert!(matches!(error, Some((1, Err(Error::Panicked { .. })))), "{error:?}");
    assert_eq!(seen, [0, 1]);
    let [(place, other)] = <[_; 1]>::try_from(completed.into_pending()).unwrap();
    assert!(place == 2 && !other.is_finished());
    open(&gates[1]);
    other.get().unwrap();
    rig.end();
}

/// `test_first_exception_one_already_failed` and `test_first_exception_some_already_complete` of CPython's
/// `WaitTests`.
pub fn an_error_of_before_is_found_at_once() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let failed = rig.pool.spawn(wait_and_panic::call("")).unwrap();
        eventually("it has failed", || failed.is_finished());
        let waits = rig.pool.spawn(wait_for::call(&gate)).unwrap();
        let done = rig.pool.spawn(wait_for::call("")).unwrap();
        eventually("it is done", || done.is_finished());
        let mut completed = as_completed([waits, done, failed]);
        let error = completed.by_ref().find(|(_, result)| result.is_err());
        assert!(matches!(error, Some((2, Err(Error::Panicked { .. })))), "{error:?}");
        let [(place, other)] = <[_; 1]>::try_from(completed.into_pending()).unwrap();
        assert!(place == 0 && !other.is_finished());
        open(&gate);
        other.get().unwrap();
    });
}

/// `test_all_completed` of CPython's `WaitTests`: each handle says what became of its own call.
pub fn whatever_may_become_of_calls_is_joined() {
    with_pool(|rig| {
        let calls = [
            square::call(3),
            panic_literal::call(),
            abort::call(),
            nap::call(600_000).timeout(super::SHORT),
            nap::call(600_000),
            nap::call(1),
        ];
        let handles = calls.map(|call| rig.pool.spawn(call).unwrap());
        handles[4].cancel();
        let ends = join_all(handles);
        let [squared, panicked, died, timed_out, cancelled, napped] = &ends[..] else { panic!("{ends:?}") };
        assert!(matches!((squared, napped), (Ok(9), Ok(1))), "{ends:?}");
        assert!(matches!(panicked, Err(Error::Panicked { .. })), "{ends:?}");
        assert!(matches!(died, Err(Error::Died { started: true, .. })), "{ends:?}");
        assert!(matches!(timed_out, Err(Error::TimedOut { .. })), "{ends:?}");
        assert!(matches!(cancelled, Err(Error::Cancelled { .. })), "{ends:?}");
        // An error of the function's own is a result like any other.
        let halves = join_all([8, 7].map(|n| rig.pool.spawn(checked_half::call(n)).unwrap()));
        assert!(matches!(halves[..], [Ok(Ok(4)), Ok(Err(_))]), "{halves:?}");
    });
}
