//! Calls and their handles.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use multicore::{AbortOnDrop, Backend, Error};

use crate::stage::{NEVER, SOON, Stage, eventually};
use crate::tasks;

pub(crate) fn a_handle_gives_the_result_once_it_is_there(stage: &Stage) {
    let handle = stage.spawn(tasks::square::call(5));
    eventually(|| handle.is_finished());
    assert_eq!(handle.get_timeout(Duration::ZERO).unwrap().unwrap(), 25);
    let handle = stage.spawn(tasks::square::call(6));
    assert_eq!(handle.get_timeout(Duration::MAX).unwrap().unwrap(), 36);
}

pub(crate) fn get_timeout_gives_the_handle_back_and_the_call_goes_on(stage: &Stage) {
    let handle = stage.spawn(tasks::hold::call(&stage.file("here"), &stage.file("gate")));
    let handle = handle.get_timeout(Duration::ZERO).unwrap_err();
    let handle = handle.get_timeout(SOON).unwrap_err();
    assert!(!handle.is_finished());
    stage.open("gate");
    assert!(!handle.get_timeout(NEVER).unwrap().unwrap());
}

pub(crate) fn more_calls_than_slots_can_be_started_before_one_is_collected(stage: &Stage) {
    let handles: Vec<_> = (0..500).map(|n| stage.spawn(tasks::square::call(n))).collect();
    for (n, handle) in handles.into_iter().enumerate().rev() {
        assert_eq!(handle.get().unwrap(), (n * n) as u64);
    }
}

pub(crate) fn many_threads_use_one_pool(stage: &Stage) {
    thread::scope(|scope| {
        for base in 0..8 {
            scope.spawn(move || {
                for n in base * 100..base * 100 + 100 {
                    assert_eq!(stage.get(tasks::square::call(n)), n * n);
                }
            });
        }
    });
}

pub(crate) fn a_dropped_handle_detaches_its_call(stage: &Stage) {
    let path = stage.file("notes");
    (0..100).for_each(|line| drop(stage.spawn(tasks::note::call(&path, line))));
    stage.pool.shutdown();
    assert_eq!(stage.notes("notes"), (0..100).collect::<Vec<_>>());
}

/// In the same process and the same thread, so that no pool waits for itself.
pub(crate) fn calls_that_a_task_makes_run_inside_of_it(stage: &Stage) {
    // More at once than there are workers.
    let handles: Vec<_> = (0..6).map(|_| stage.spawn(tasks::nest::call())).collect();
    for handle in handles {
        let (places, sum, refused) = handle.get().unwrap();
        assert_eq!((places.len(), sum), (6, 6));
        assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
        assert!(refused.contains("square") && refused.contains("a timeout"), "{refused}");
    }
}

/// Outside of a call, and in one that nobody cancelled.
pub(crate) fn what_is_no_call_is_not_cancelled(stage: &Stage) {
    assert!(!multicore::cancelled());
    multicore::breadcrumb("nowhere");
    assert!(!stage.get(tasks::is_cancelled::call()));
    let over = stage.spawn(tasks::square::call(2));
    eventually(|| over.is_finished());
    over.cancel();
    assert_eq!(over.get().unwrap(), 4, "it was over");
    assert!(!stage.get(tasks::is_cancelled::call()));
}

/// Holds both workers.
fn hold_both(stage: &Stage) -> [multicore::Handle<bool>; 2] {
    let held =
        ["one", "other"].map(|name| stage.spawn(tasks::hold::call(&stage.file(name), &stage.file("gate"))));
    ["one", "other"].into_iter().for_each(|name| stage.wait_for(name));
    held
}

pub(crate) fn a_full_pool_waits_until_a_call_is_over(stage: &Stage) {
    let held = hold_both(stage);
    let queued: Vec<_> = (0..6).map(|n| stage.spawn(tasks::square::call(n))).collect();
    thread::scope(|scope| {
        let (sent, is_sent) = mpsc::channel();
        let waits = scope.spawn(move || {
            let handle = stage.spawn(tasks::square::call(100));
            sent.send(()).unwrap();
            handle.get().unwrap()
        });
        assert!(is_sent.recv_timeout(SOON).is_err(), "there is no room");
        stage.open("gate");
        is_sent.recv_timeout(NEVER).unwrap();
        assert_eq!(waits.join().unwrap(), 10_000);
    });
    for (n, handle) in (0..).zip(queued) {
        assert_eq!(handle.get().unwrap(), n * n);
    }
    held.into_iter().for_each(|handle| assert!(!handle.get().unwrap()));
}

pub(crate) fn a_queued_call_that_is_cancelled_never_runs(stage: &Stage) {
    let held = hold_both(stage);
    let path = stage.file("notes");
    let queued: Vec<_> = (0..6).map(|line| stage.spawn(tasks::note::call(&path, line))).collect();
    queued.iter().step_by(2).for_each(|handle| handle.cancel());
    // There is room for as many at once.
    let more: Vec<_> = (6..9).map(|line| stage.spawn(tasks::note::call(&path, line))).collect();
    stage.open("gate");
    for (line, handle) in queued.into_iter().enumerate() {
        let end = handle.get();
        match line % 2 {
            0 => assert!(matches!(end, Err(Error::Cancelled { .. })), "{end:?}"),
            _ => end.unwrap(),
        }
    }
    more.into_iter().for_each(|handle| handle.get().unwrap());
    held.into_iter().for_each(|handle| assert!(!handle.get().unwrap()));
    stage.pool.shutdown();
    assert_eq!(stage.notes("notes"), [1, 3, 5, 6, 7, 8]);
}

/// By the end of its worker, or by the function's own.
pub(crate) fn a_running_call_that_is_cancelled_is_cancelled(stage: &Stage) {
    let handle = stage.spawn(tasks::hold::call(&stage.file("here"), &stage.file("gate")));
    stage.wait_for("here");
    handle.cancel();
    let end = handle.get();
    assert!(matches!(&end, Err(Error::Cancelled { task, .. }) if task.ends_with("hold")), "{end:?}");
    if stage.is(Backend::Threads) {
        stage.wait_for("here.asked");
    }
    assert_eq!(stage.get(tasks::square::call(3)), 9);
    assert!(!stage.get(tasks::is_cancelled::call()), "the next call is another");
}

pub(crate) fn an_abort_on_drop_asks_its_call_to_end(stage: &Stage) {
    let aborting = AbortOnDrop::new(stage.spawn(tasks::hold::call(&stage.file("here"), &stage.file("gate"))));
    stage.wait_for("here");
    drop(aborting);
    // It finishes what runs, and the gate is closed.
    stage.pool.shutdown();
    let kept = AbortOnDrop::new(stage.config().build().unwrap().spawn(tasks::square::call(4)).unwrap());
    assert_eq!(kept.into_handle().get().unwrap(), 16);
}
