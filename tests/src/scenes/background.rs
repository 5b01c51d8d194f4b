//! Calls that nobody waits for, and those that somebody does: progress, priorities, and who comes first.

use std::fs;

use multicore::{Error, Handle, Progress};
use nix::sys::signal::Signal as Kill;

use super::faults::kill;
use crate::fixture::Folder;
use crate::procfs::{self, Stat};
use crate::rig::{Rig, with_pool};
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
