//! Calls that nobody waits for, and those that somebody does: progress, priorities, and who comes first.

use std::fs;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use multicore::{Error, Handle, JobState, Progress};
use nix::sys::signal::Signal as Kill;

use super::faults::kill;
use crate::fixture::Folder;
use crate::procfs::{self, Stat};
use crate::rig::{Rig, builder, with_pool};
use crate::tasks;
use crate::watch::eventually;

/// What a call says of how far it has come, once it says so many.
#[track_caller]
fn seen<R>(handle: &Handle<R>, done: u64) -> Progress {
    let mut seen = None;
    eventually("it has come so far", || {
        seen = handle.progress().filter(|progress| progress.done == done);
        seen.is_some()
    });
    seen.expect("just seen")
}

/// Each report, and none before the first.
pub fn progress_is_seen_while_the_task_runs() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let (gate, other) = (folder.file("gate"), folder.file("other"));
    let first = rig.pool.spawn(tasks::silent::call(&other)).unwrap();
    let second = rig.pool.spawn(tasks::stages::call(&gate, 4)).unwrap();
    assert_eq!((first.progress(), second.progress()), (None, None), "nothing is said of one that is queued");
    tasks::open(&other);
    first.get().unwrap();
    for stage in 0..4 {
        let progress = seen(&second, stage);
        assert_eq!((progress.total, progress.message.as_str()), (4, format!("stage {stage}").as_str()));
        assert!((progress.fraction() - stage as f64 / 4.0).abs() < 1e-9);
        tasks::open(&format!("{gate}{stage}"));
    }
    assert_eq!(second.get().unwrap(), 4);
    rig.end();
}

/// Whatever the calls before it said on the same worker, in the same slot.
pub fn progress_is_that_of_the_call_alone() {
    with_pool(|rig| {
        let folder = Folder::new();
        for round in 0..20 {
            let gates = [folder.file(&format!("a{round}-")), folder.file(&format!("b{round}-"))];
            let silent = rig.pool.spawn(tasks::silent::call(&gates[0])).unwrap();
            let staged = rig.pool.spawn(tasks::stages::call(&gates[1], 1)).unwrap();
            assert_eq!(seen(&staged, 0).message, "stage 0");
            assert_eq!(silent.progress(), None);
            tasks::open(&format!("{}0", gates[1]));
            assert_eq!(staged.get().unwrap(), 1);
            assert_eq!(silent.progress(), None);
            tasks::open(&gates[0]);
            silent.get().unwrap();
        }
    });
}

/// The numbers that tasks have written, in order.
fn written(log: &str) -> Vec<u64> {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().map(|line| line.parse().expect("a number")).collect()
}

/// Also with many of them, and with others that come later.
pub fn calls_run_by_priority_and_by_arrival_within_one() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    for round in 0..3 {
        let (log, gate) = (folder.file(&format!("log{round}")), folder.file(&format!("gate{round}")));
        let busy = rig.pool.spawn(tasks::held::call(&log, &gate, 0)).unwrap();
        eventually("it runs", || written(&log).len() == 1);
        let levels = [0_i8, 3, -2, 7, 0, -7, 3, 1, 0, 7, -2, 5];
        let call = |n: usize| tasks::held::call(&log, &gate, n as u64 + 1).priority(levels[n % levels.len()]);
        let handles: Vec<_> = (0..60).map(|n| rig.pool.spawn(call(n)).unwrap()).collect();
        tasks::open(&gate);
        assert_eq!(busy.get().unwrap(), 0);
        for (n, handle) in (1..).zip(handles) {
            assert_eq!(handle.get().unwrap(), n);
        }
        let mut expected: Vec<usize> = (0..60).collect();
        expected.sort_by_key(|n| -i32::from(levels[n % levels.len()]));
        let expected: Vec<u64> = std::iter::once(0).chain(expected.iter().map(|n| *n as u64 + 1)).collect();
        assert_eq!(written(&log), expected);
    }
    rig.end();
}

/// When it is run again.
pub fn a_call_of_a_killed_worker_keeps_its_priority() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let (log, gate) = (folder.file("log"), folder.file("gate"));
    let first = rig.pool.spawn(tasks::held::call(&log, &gate, 1).priority(2).retries(1)).unwrap();
    eventually("it runs", || written(&log) == [1]);
    let others: Vec<_> = [(2, 0), (3, 1), (4, -1)]
        .map(|(n, level)| rig.pool.spawn(tasks::held::call(&log, &gate, n).priority(level)).unwrap())
        .into();
    kill(&rig_worker(&rig), Kill::SIGKILL);
    eventually("it runs again", || written(&log) == [1, 1]);
    tasks::open(&gate);
    assert_eq!(first.get().unwrap(), 1);
    for (n, other) in (2..).zip(others) {
        assert_eq!(other.get().unwrap(), n);
    }
    assert_eq!(written(&log), [1, 1, 3, 2, 4]);
    rig.end();
}

/// The only worker, while it is busy.
fn rig_worker(rig: &Rig) -> Stat {
    let pid = rig.pool.state().workers[0].pid.expect("a worker");
    procfs::stat(pid).expect("it lives")
}

/// And nothing runs.
pub fn a_priority_that_there_is_not_is_refused() {
    with_pool(|rig| {
        for priority in [-128, -8, 8, 127] {
            let error = rig.pool.spawn(tasks::square::call(1).priority(priority)).unwrap_err();
            assert_eq!(error.to_string(), format!("priority: {priority} is not within -7 to 7"));
            assert!(matches!(error, Error::Config { .. }));
        }
        for priority in -7..=7 {
            assert_eq!(rig.pool.spawn(tasks::square::call(3).priority(priority)).unwrap().get().unwrap(), 9);
        }
    });
}

/// However many there are, and whatever dies meanwhile.
pub fn a_background_call_never_keeps_one_waiting() {
    with_pool(|rig| {
        let folder = Folder::new();
        let (log, gate) = (folder.file("log"), folder.file("gate"));
        let jobs: Vec<_> =
            (0..10).map(|n| rig.pool.background(tasks::held::call(&log, &gate, n)).unwrap()).collect();
        eventually("one of them runs", || written(&log).len() == 1);
        for n in 0..20 {
            assert_eq!(rig.pool.spawn(tasks::square::call(n)).unwrap().get().unwrap(), n * n);
        }
        assert_eq!(written(&log).len(), 1, "one worker is free for others");
        for dead in 1..=2 {
            rig.workers().iter().for_each(|worker| kill(worker, Kill::SIGKILL));
            assert_eq!(rig.pool.spawn(tasks::square::call(5).retries(9)).unwrap().get().unwrap(), 25);
            eventually("the next one runs", || written(&log).len() == dead + 1);
        }
        assert_eq!(rig.pool.spawn(tasks::square::call(6)).unwrap().get().unwrap(), 36);
        tasks::open(&gate);
        let failed = jobs.iter().filter(|job| job.wait() == JobState::Failed).count();
        assert_eq!(failed, 2, "those whose worker was killed");
        assert_eq!(written(&log), (0..10).collect::<Vec<_>>());
    });
}

/// Behind all that somebody waits for.
pub fn background_calls_come_last_and_by_priority() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let (log, gate) = (folder.file("log"), folder.file("gate"));
    let call = |n: u64, priority: i8| tasks::held::call(&log, &gate, n).priority(priority);
    let busy = rig.pool.background(call(0, 0)).unwrap();
    eventually("it runs", || written(&log) == [0]);
    let jobs: Vec<_> = [(5, 0), (4, 7), (6, 0), (7, -7)]
        .map(|(n, level)| rig.pool.background(call(n, level)).unwrap())
        .into();
    let handles = [(2, 0), (1, 1), (3, -7)].map(|(n, level)| rig.pool.spawn(call(n, level)).unwrap());
    tasks::open(&gate);
    assert_eq!(busy.get().unwrap().unwrap(), 0);
    handles.into_iter().for_each(|handle| assert!(handle.get().is_ok()));
    jobs.iter().for_each(|job| assert_eq!(job.wait(), JobState::Done));
    assert_eq!(written(&log), [0, 1, 2, 3, 4, 5, 6, 7]);
    rig.end();
}

/// A thread that sends one too many waits, and the others do not.
pub fn background_calls_leave_slots_to_others() {
    for slots in [4, 16] {
        let rig = Rig::with(builder().workers(2).slots(slots));
        let folder = Folder::new();
        let (log, gate) = (folder.file("log"), folder.file("gate"));
        let sent = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..2 * slots as u64 {
                    rig.pool.background(tasks::held::call(&log, &gate, n)).unwrap();
                    sent.fetch_add(1, Relaxed);
                }
            });
            let most = slots - slots / 4;
            eventually("as many are sent as may be", || sent.load(Relaxed) == most);
            for n in 0..100 {
                assert_eq!(rig.pool.spawn(tasks::square::call(n)).unwrap().get().unwrap(), n * n);
            }
            assert_eq!(sent.load(Relaxed), most);
            tasks::open(&gate);
        });
        eventually("all run", || written(&log).len() == 2 * slots);
        rig.end();
    }
}

/// The workers, and the supervisor while they are queued.
pub fn background_calls_run_after_the_death_of_whoever_held_them() {
    let rig = Rig::new(2);
    let folder = Folder::new();
    let (log, gate) = (folder.file("log"), folder.file("gate"));
    let first = rig.pool.background(tasks::held::call(&log, &gate, 0).retries(1)).unwrap();
    eventually("it runs", || written(&log) == [0]);
    let others: Vec<_> =
        (1..5).map(|n| rig.pool.background(tasks::held::call(&log, &gate, n)).unwrap()).collect();
    kill(&rig.supervisor(), Kill::SIGKILL);
    // Whoever waits sees to the next supervisor.
    eventually("one of them runs", || {
        first.wait_timeout(Duration::from_millis(200));
        written(&log).len() == 2
    });
    tasks::open(&gate);
    for (n, job) in (1..).zip(&others) {
        assert_eq!(job.wait(), JobState::Done);
        assert_eq!(job.take().unwrap().unwrap(), n);
    }
    assert_eq!(first.wait(), JobState::Done, "it may be run again");
    let log = written(&log);
    assert_eq!(log.iter().filter(|n| **n == 0).count(), 2);
    assert_eq!((log.len(), log.iter().max()), (6, Some(&4)));
    rig.end();
}

/// By workers that sleep, search, doze and run others: none is left while somebody could run it.
pub fn every_background_call_is_woken_for() {
    for workers in [1, 2, 4] {
        let rig = Rig::new(workers);
        for round in 0..200_u64 {
            let job = rig.pool.background(tasks::square::call(round)).unwrap();
            let short: Vec<_> =
                (0..round % 5).map(|n| rig.pool.spawn(tasks::square::call(n)).unwrap()).collect();
            let other = rig.pool.background(tasks::square::call(round + 1)).unwrap();
            if round % 3 == 0 {
                // Everybody sleeps by the next round.
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(other.get().unwrap().unwrap(), (round + 1) * (round + 1));
            assert_eq!(job.get().unwrap().unwrap(), round * round);
            short.into_iter().for_each(|short| assert!(short.get().is_ok()));
        }
        rig.end();
    }
}

/// Also where most of its workers have nothing left to do.
pub fn a_pool_finishes_its_background_calls_before_it_ends() {
    let pool = builder().workers(4).background_workers(1).build().unwrap();
    let folder = Folder::new();
    let log = folder.file("log");
    let jobs: Vec<_> = (0..50).map(|n| pool.background(tasks::note::call(&log, n)).unwrap()).collect();
    drop(pool);
    assert!(jobs.iter().all(|job| job.state() == JobState::Done));
    assert_eq!(written(&log), (0..50).collect::<Vec<_>>());
}

/// Each runs one.
pub fn as_many_background_workers_as_there_are_workers() {
    let rig = Rig::with(builder().workers(3).background_workers(3));
    let folder = Folder::new();
    let (log, gate) = (folder.file("log"), folder.file("gate"));
    let jobs: Vec<_> =
        (0..3).map(|n| rig.pool.background(tasks::held::call(&log, &gate, n)).unwrap()).collect();
    eventually("all run", || written(&log).len() == 3);
    tasks::open(&gate);
    jobs.iter().for_each(|job| assert_eq!(job.wait(), JobState::Done));
    for wrong in [0, 4] {
        let error = builder().workers(3).background_workers(wrong).build().unwrap_err();
        assert!(error.to_string().starts_with("background_workers: "), "{error}");
    }
    rig.end();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! background_scenes {
    ($($then:tt)*) => {
        $($then)*! { background:
            progress_is_seen_while_the_task_runs
            progress_is_that_of_the_call_alone
            calls_run_by_priority_and_by_arrival_within_one
            a_call_of_a_killed_worker_keeps_its_priority
            a_priority_that_there_is_not_is_refused
            a_background_call_never_keeps_one_waiting
            background_calls_come_last_and_by_priority
            background_calls_leave_slots_to_others
            background_calls_run_after_the_death_of_whoever_held_them
            every_background_call_is_woken_for
            a_pool_finishes_its_background_calls_before_it_ends
            as_many_background_workers_as_there_are_workers
        }
    };
}
