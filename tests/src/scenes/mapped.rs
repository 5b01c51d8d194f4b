//! Maps: calls go in as they are wanted, results come out in order or as they come.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use multicore::{Elapsed, Error, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::short::{double_unless, wait_for};
use crate::fixture::Folder;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks::{checked_half, note, square};
use crate::watch::eventually;

const CALLS: u64 = 3000;

/// Squares, but what must not be encoded.
#[multicore::task]
fn squared(n: Encodes) -> u64 {
    n.0 * n.0
}

#[derive(serde::Deserialize)]
struct Encodes(u64);

impl serde::Serialize for Encodes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            13 => Err(serde::ser::Error::custom("thirteen does not travel")),
            n => serde::Serialize::serialize(&n, serializer),
        }
    }
}

/// Through pools with many slots and few.
pub fn results_come_in_the_order_of_the_calls() {
    for slots in [1, 2, 5, 1024] {
        let rig = Rig::with(builder().workers(2).slots(slots));
        let results = rig.pool.map((0..CALLS as u32).map(|n| square::call(n.into())));
        assert_eq!(results.len(), CALLS as usize);
        for (n, result) in (0..).zip(results) {
            assert_eq!(result.unwrap(), n * n);
        }
        rig.end();
    }
}

/// A source without an end: what is taken from it ahead of the results is bounded.
pub fn an_endless_source_is_taken_from_as_results_are_wanted() {
    with_pool(|rig| {
        let taken = Cell::new(0);
        let source = (0..).inspect(|n| taken.set(n + 1)).map(square::call);
        let mut results = rig.pool.map(source).in_flight(20);
        assert_eq!(taken.get(), 0, "nothing happens before the first result is asked for");
        for n in 0..CALLS {
            assert_eq!(results.next().unwrap().unwrap(), n * n);
            assert!(taken.get() <= n + 22, "{} calls were taken for {} results", taken.get(), n + 1);
        }
    });
}

/// Of a source that waits for results before it goes on.
pub fn the_first_result_comes_before_the_last_input() {
    with_pool(|rig| {
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut results = rig.pool.map(receiver.into_iter().map(square::call)).in_flight(1);
        sender.send(0).unwrap();
        for n in 0..20 {
            sender.send(n + 1).unwrap();
            assert_eq!(results.next().unwrap().unwrap(), n * n);
        }
        drop(sender);
        assert_eq!(results.next().unwrap().unwrap(), 400);
        assert!(results.next().is_none());
        assert!(results.next().is_none());
    });
}

/// Of a call, of a worker, of encoding.
pub fn an_error_is_its_own_items_and_the_others_go_on() {
    with_pool(|rig| {
        for (n, result) in (0..).zip(rig.pool.map((0..CALLS).map(|n| double_unless::call(n, 1000)))) {
            match result {
                Err(Error::Died { started: true, .. }) if n == 1000 => {}
                result => assert_eq!(result.unwrap(), 2 * n),
            }
        }
        for (n, result) in (0..).zip(rig.pool.map((0..30).map(|n| squared::call(Encodes(n))))) {
            match result {
                Err(Error::Encode { .. }) if n == 13 => {}
                result => assert_eq!(result.unwrap(), n * n),
            }
        }
        let halves = rig.pool.map((0..4).map(checked_half::call)).collect::<Result<Vec<_>>>().unwrap();
        assert_eq!(halves.iter().filter(|half| half.is_err()).count(), 2, "a task's own errors are values");
    });
}

/// Calls that were queued when the first error came do not run.
pub fn collecting_stops_at_the_first_error_and_cancels_the_rest() {
    let rig = Rig::new(1);
    let (folder, taken) = (Folder::new(), Cell::new(0));
    let (gate, notes) = (folder.file("gate"), folder.file("notes"));
    let calls = (0..u64::MAX).inspect(|_| taken.set(taken.get() + 1)).map(|n| match n {
        0 => double_unless::call(0, 0),
        _ => double_unless::call(n, 0),
    });
    let error = rig.pool.map(calls).in_flight(8).collect::<Result<Vec<_>>>().unwrap_err();
    assert!(matches!(error, Error::Died { .. }), "{error:?}");
    assert!(taken.get() <= 10, "{} calls were taken", taken.get());

    // The one that runs holds up those that are queued, until the map is dropped.
    let blocking = rig.pool.spawn(wait_for::call(&gate)).unwrap();
    let mut noted = rig.pool.map((0..).map(|n| note::call(&notes, n))).in_flight(5);
    let handle = std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("five calls are queued", || rig.pool.state().queued >= 5);
            std::fs::write(&gate, "").unwrap();
        });
        noted.next().unwrap()
    });
    handle.unwrap();
    drop(noted);
    blocking.get().unwrap();
    rig.check();
    let lines = std::fs::read_to_string(&notes).unwrap().lines().count();
    // Bounded by what was sent; nothing is sent for a map that is gone.
    assert!(lines <= 6, "{lines} calls ran for one result");
    rig.end();
}

/// Behind a call that blocks, nothing of a map that was dropped runs.
pub fn a_dropped_map_cancels_what_is_queued() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let (gate, notes) = (folder.file("gate"), folder.file("notes"));
    let first = wait_for::call("");
    let blocked = wait_for::call(&gate);
    let mut results = rig.pool.map([first, blocked].into_iter().chain((0..5).map(|_| wait_for::call(&gate))));
    results.next().unwrap().unwrap();
    let noted = rig.pool.map((0..5).map(|n| note::call(&notes, n)));
    drop(noted);
    assert!(!std::fs::exists(&notes).unwrap(), "nobody asked for a result");
    // The one that runs is ended, and those behind it are gone.
    drop(results);
    rig.check();
    assert_eq!(rig.pool.state().queued, 0);
    rig.end();
}

/// The slow one is the last.
pub fn unordered_results_come_as_they_are_there() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let paths = || std::iter::once(&*gate).chain((0..200).map(|_| ""));
        let mut results = rig.pool.map_unordered(paths().map(wait_for::call)).indexed();
        for _ in 0..200 {
            let (number, result) = results.next().unwrap();
            result.unwrap();
            assert_ne!(number, 0, "it waits for the file");
        }
        std::fs::write(&gate, "").unwrap();
        let (number, result) = results.next().unwrap();
        result.unwrap();
        assert_eq!(number, 0);
        assert!(results.next().is_none());
        drop(results);

        let mut numbers: Vec<u64> =
            rig.pool.map_unordered((0..CALLS).map(square::call)).collect::<Result<_>>().unwrap();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..CALLS).map(|n| n * n).collect::<Vec<_>>());
    });
}

/// Maps of several threads share few slots with each other and with handles.
pub fn maps_share_a_pool() {
    let rig = Rig::with(builder().workers(2).slots(4));
    let held: Vec<_> = (0..6).map(|n| rig.pool.spawn(square::call(n)).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let pool = &rig.pool;
            scope.spawn(move || {
                for (n, result) in (0..).zip(pool.map((0..500).map(square::call)).in_flight(1 + thread)) {
                    assert_eq!(result.unwrap(), n * n);
                }
                let sum: u64 = pool.map_unordered((0..500).map(square::call)).map(Result::unwrap).sum();
                assert_eq!(sum, (0..500).map(|n| n * n).sum::<u64>());
            });
        }
    });
    for (n, handle) in (0..).zip(held) {
        assert_eq!(handle.get().unwrap(), n * n);
    }
    rig.end();
}

/// A panic of the source leaves the pool as it was.
pub fn a_source_that_panics_costs_no_slot() {
    let rig = Rig::with(builder().workers(2).slots(4));
    for at in 0..12 {
        let calls = (0..20).inspect(|n| assert_ne!(*n, at, "out of calls")).map(square::call);
        let ended = catch_unwind(AssertUnwindSafe(|| rig.pool.map(calls).map(Result::unwrap).count()));
        assert!(ended.is_err());
    }
    rig.end();
}

/// While workers are killed: every item has a result or says that its worker died.
pub fn deaths_under_a_map_cost_their_calls_alone() {
    with_pool(|rig| {
        let (mut kills, mut died) = (0, 0);
        let mut results = rig.pool.map((0..20_000).map(|n| double_unless::call(n, u64::MAX)));
        for n in 0..20_000 {
            if n % 1000 == 0
                && let Some(worker) = rig.pool.state().workers[n as usize / 1000 % 2].pid
                && kill(Pid::from_raw(worker), Signal::SIGKILL).is_ok()
            {
                kills += 1;
            }
            match results.next().unwrap() {
                Ok(value) => assert_eq!(value, 2 * n),
                Err(Error::Died { started: true, .. }) => died += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        assert!(results.next().is_none());
        assert!(kills > 0 && died <= kills, "{died} calls were lost by {kills} deaths");
    });
}

/// Each item says so, however many there are.
pub fn a_map_on_a_closed_pool_says_so_for_each_item() {
    let rig = Rig::new(1);
    let mut results = rig.pool.map((0..).map(square::call)).in_flight(3);
    assert_eq!(results.next().unwrap().unwrap(), 0);
    rig.pool.shutdown();
    let ended: Vec<_> = results.take(20).collect();
    // Those that were accepted were finished.
    let finished = ended.iter().take_while(|result| result.is_ok()).count();
    assert!(finished <= 4);
    assert!(ended[finished..].iter().all(|result| matches!(result, Err(Error::Closed))), "{ended:?}");
}

/// Where the oldest takes its time, as many others run as may be under way.
pub fn a_slow_oldest_call_lets_as_many_others_run_as_may_be_under_way() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let calls = std::iter::once(&*gate).chain((0..100).map(|_| "")).map(wait_for::call);
        std::thread::scope(|scope| {
            let mut results = rig.pool.map(calls).in_flight(10);
            scope.spawn(|| {
                eventually("nine others ran", || {
                    let state = rig.pool.state();
                    state.queued == 0 && state.workers.iter().map(|worker| worker.calls).sum::<u64>() >= 10
                });
                std::fs::write(&gate, "").unwrap();
            });
            assert!(results.all(|result| result.is_ok()));
        });
    });
}

/// The longest wait for one of them is over when it is, by several threads at once.
pub fn whoever_waits_for_any_is_woken() {
    with_pool(|rig| {
        let folder = Folder::new();
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let (folder, pool) = (&folder, &rig.pool);
                scope.spawn(move || {
                    for round in 0..30 {
                        let gate = folder.file(&format!("{thread}-{round}"));
                        let slow = pool.spawn(wait_for::call(&gate)).unwrap();
                        let calls = (0..3).map(|_| pool.spawn(wait_for::call("")).unwrap());
                        let mut done = multicore::as_completed(std::iter::once(slow).chain(calls));
                        std::fs::write(&gate, "").unwrap();
                        while let Some((_, result)) = done.next_timeout(Duration::from_secs(60)).unwrap() {
                            result.unwrap();
                        }
                    }
                });
            }
        });
    });
}

/// Whoever's time is up asks again, and no result and no call is lost by it.
pub fn a_result_that_is_late_can_still_be_asked_for() {
    let rig = Rig::new(3);
    {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let calls = || (0..100).map(|n| if n == 50 { wait_for::call(&gate) } else { wait_for::call("") });
        let mut results = rig.pool.map(calls());
        for _ in 0..50 {
            results.next_timeout(Duration::from_secs(60)).unwrap().unwrap().unwrap();
        }
        for _ in 0..5 {
            assert!(matches!(results.next_timeout(Duration::from_millis(2)), Err(Elapsed)));
        }
        let mut unordered = rig.pool.map_unordered(calls());
        for _ in 0..99 {
            unordered.next_timeout(Duration::from_secs(60)).unwrap().unwrap().unwrap();
        }
        assert!(matches!(unordered.next_timeout(Duration::ZERO), Err(Elapsed)));
        std::fs::write(&gate, "").unwrap();
        assert_eq!(results.map(Result::unwrap).count(), 50);
        unordered.next_timeout(Duration::from_secs(60)).unwrap().unwrap().unwrap();
        assert!(matches!(unordered.next_timeout(Duration::ZERO), Ok(None)));
    }
    rig.end();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! mapped_scenes {
    ($($then:tt)*) => {
        $($then)*! { mapped:
            results_come_in_the_order_of_the_calls
            an_endless_source_is_taken_from_as_results_are_wanted
            the_first_result_comes_before_the_last_input
            an_error_is_its_own_items_and_the_others_go_on
            collecting_stops_at_the_first_error_and_cancels_the_rest
            a_dropped_map_cancels_what_is_queued
            unordered_results_come_as_they_are_there
            maps_share_a_pool
            a_source_that_panics_costs_no_slot
            deaths_under_a_map_cost_their_calls_alone
            a_map_on_a_closed_pool_says_so_for_each_item
            a_slow_oldest_call_lets_as_many_others_run_as_may_be_under_way
            whoever_waits_for_any_is_woken
            a_result_that_is_late_can_still_be_asked_for
        }
    };
}
