//! How resources end in real processes, and what ends while they are made, checked, put in order and closed.

use multicore::{Error, Pool};

use super::resources::{Log, SOON, check_counts, end, good_turn};
use crate::rig::{Rig, builder};
use crate::tasks::resources::{tower, turn};

/// What it leaves behind is not closed, and is nobody's.
pub fn the_successor_of_a_killed_worker_makes_its_own() {
    let (rig, log) = (Rig::new(1), Log::new());
    let first = good_turn(&rig.pool, &log);
    let killed = end(&rig.pool, turn::call(&log.path(), "", "kill"));
    assert!(matches!(killed, Err(Error::Died { started: true, .. })), "{killed:?}");
    let second = good_turn(&rig.pool, &log);
    assert!(first.0 != second.0, "{first:?} {second:?}");
    log.check(&["db made", "db reset", "db made", "db reset"]);
    check_counts(&rig.pool, [2, 1, 0, 0]);
    rig.end();
    log.check(&["db closed"]);
}

/// What becomes of a call whose resource does this at this stage; `ready` makes it come to the stage.
fn ends_at(pool: &Pool, log: &Log, stage: &str, ready: &str, mood: &str) -> Result<bool, Error> {
    if !ready.is_empty() {
        end(pool, turn::call(&log.path(), "", ready)).unwrap().unwrap();
    }
    let (path, moods) = (log.path(), format!("{stage} {mood}"));
    let last = if stage == "close" { "discard" } else { "" };
    let call = turn::call(&path, &moods, last);
    // The others have all the time that they need.
    let call = if mood == "hang" { call.timeout(SOON) } else { call };
    end(pool, call).map(|outcome| outcome.is_ok())
}

/// It dies, and it does not come back in time: the call alone is lost.
#[track_caller]
fn costs_its_call(rig: &Rig, log: &Log, stage: &str, ready: &str) {
    let aborted = ends_at(&rig.pool, log, stage, ready, "abort");
    assert!(matches!(aborted, Err(Error::Died { started: true, .. })), "{aborted:?}");
    let first = good_turn(&rig.pool, log);
    let late = ends_at(&rig.pool, log, stage, ready, "hang");
    assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
    let second = good_turn(&rig.pool, log);
    assert!(second.0 != first.0, "{first:?} {second:?}");
}

/// Its panic is the call's, its error too; the next call tries again.
pub fn every_end_of_a_maker_costs_its_call_alone() {
    let (rig, log) = (Rig::new(1), Log::new());
    let panicked = ends_at(&rig.pool, &log, "make", "", "panic");
    assert!(matches!(&panicked, Err(Error::Panicked { message, .. }) if message == "it panics at make"));
    assert!(!ends_at(&rig.pool, &log, "make", "", "fail").unwrap());
    good_turn(&rig.pool, &log);
    log.check(&["db made", "db reset"]);
    check_counts(&rig.pool, [1, 0, 0, 0]);
    // Nothing is to be made in a worker that has one.
    end(&rig.pool, turn::call(&log.path(), "", "discard")).unwrap().unwrap();
    costs_its_call(&rig, &log, "make", "discard");
    rig.end();
}

/// One that panics has failed: the call has a new value.
pub fn every_end_of_a_check_costs_its_call_alone() {
    let (rig, log) = (Rig::new(1), Log::new());
    for mood in ["panic", "fail"] {
        assert!(ends_at(&rig.pool, &log, "check", "suspect", mood).unwrap());
        log.wait_for("db closed");
        std::fs::remove_file(log.path()).unwrap();
    }
    check_counts(&rig.pool, [3, 1, 2, 2]);
    costs_its_call(&rig, &log, "check", "suspect");
    rig.end();
}

/// The call's time is up though its function has returned.
pub fn every_end_of_a_reset_costs_its_call_alone() {
    let (rig, log) = (Rig::new(1), Log::new());
    for mood in ["panic", "fail"] {
        assert!(ends_at(&rig.pool, &log, "reset", "", mood).unwrap());
        log.check(&["db made", "db reset", "db closed"]);
    }
    check_counts(&rig.pool, [2, 0, 0, 2]);
    costs_its_call(&rig, &log, "reset", "");
    rig.end();
}

/// Within a call.
pub fn every_end_of_a_goodbye_costs_its_call_alone() {
    let (rig, log) = (Rig::new(1), Log::new());
    for mood in ["panic", "fail"] {
        assert!(ends_at(&rig.pool, &log, "close", "", mood).unwrap());
        log.check(&["db made", "db closed"]);
    }
    check_counts(&rig.pool, [2, 0, 0, 2]);
    costs_its_call(&rig, &log, "close", "");
    rig.end();
}

/// And what needed another one before that.
pub fn a_recycled_worker_closes_in_reverse_after_its_exit_hooks() {
    let log = Log::new();
    let pool = builder().workers(1).max_calls(2).env("MULTICORE_TEST_EXIT_HOOK", log.path()).build().unwrap();
    let made = ["base made", "upper made", "plain made", "db made"];
    let closed = ["exit hook", "db closed", "plain closed", "upper closed", "base closed"];
    for _ in 0..3 {
        for _ in 0..2 {
            end(&pool, tower::call(&log.path(), "")).unwrap().unwrap();
        }
        log.wait_for("base closed");
        log.check(&[&made[..], &["db reset", "db reset"], &closed[..]].concat());
    }
    check_counts(&pool, [12, 9, 0, 0]);
    drop(pool);
}

/// They are closed all the same.
pub fn a_goodbye_that_panics_keeps_no_other_from_being_closed() {
    for mood in ["close panic", "close fail"] {
        let (rig, log) = (Rig::new(1), Log::new());
        end(&rig.pool, tower::call(&log.path(), mood)).unwrap().unwrap();
        rig.end();
        log.check(&[
            "base made",
            "upper made",
            "plain made",
            "db made",
            "db reset",
            "db closed",
            "plain closed",
            "upper closed",
            "base closed",
        ]);
    }
}

/// Whatever was made before is not closed then; no call is lost.
pub fn a_goodbye_that_aborts_or_hangs_keeps_no_pool_from_ending() {
    for mood in ["close abort", "close hang"] {
        let log = Log::new();
        let pool = builder().workers(1).shutdown_timeout(20 * SOON).build().unwrap();
        end(&pool, tower::call(&log.path(), mood)).unwrap().unwrap();
        drop(pool);
        log.check(&["base made", "upper made", "plain made", "db made", "db reset"]);
    }
}

/// Where a worker is replaced, calls go on beside it, and the one that hangs has ten seconds.
pub fn a_goodbye_that_hangs_keeps_no_worker_from_being_replaced() {
    let (log, other) = (Log::new(), Log::new());
    let pool = builder().workers(1).max_calls(1).build().unwrap();
    for mood in ["close abort", "close panic", "close hang", ""] {
        end(&pool, tower::call(&log.path(), mood)).unwrap().unwrap();
        good_turn(&pool, &other);
    }
    drop(pool);
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! resource_end_scenes {
    ($($then:tt)*) => {
        $($then)*! { resources_end:
            the_successor_of_a_killed_worker_makes_its_own
            every_end_of_a_maker_costs_its_call_alone
            every_end_of_a_check_costs_its_call_alone
            every_end_of_a_reset_costs_its_call_alone
            every_end_of_a_goodbye_costs_its_call_alone
            a_recycled_worker_closes_in_reverse_after_its_exit_hooks
            a_goodbye_that_panics_keeps_no_other_from_being_closed
            a_goodbye_that_aborts_or_hangs_keeps_no_pool_from_ending
        }
    };
}

/// The scene of this file that takes long, given to a macro.
#[macro_export]
macro_rules! long_resource_scenes {
    ($($then:tt)*) => {
        $($then)*! { resources_end: a_goodbye_that_hangs_keeps_no_worker_from_being_replaced }
    };
}
