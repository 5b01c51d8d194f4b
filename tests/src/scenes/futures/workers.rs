//! How many processes there are, and which of them run calls.

use std::collections::BTreeSet;

use multicore::{Error, Handle, Result};
use nix::sys::signal::Signal;

use super::open;
use crate::fixture::Folder;
use crate::procfs::{self, Stat};
use crate::rig::{builder, with_pool};
use crate::scenes::faults::kill;
use crate::scenes::short::wait_for;
use crate::tasks::{announce, square, whoami};

fn pids(workers: &[Stat]) -> BTreeSet<i32> {
    workers.iter().map(|worker| worker.pid).collect()
}

/// `test_saturation` and `test_processes_terminate` of CPython's process pool: calls that wait are no reason for
/// another process.
pub fn calls_that_wait_make_no_process() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let workers = rig.workers();
        let (before, supervisor) = (pids(&workers), rig.supervisor_of_worker(&workers[0]));
        let handles: Vec<_> = (0..30).map(|_| rig.pool.spawn(wait_for::call(&gate)).unwrap()).collect();
        let state = rig.pool.state();
        let busy: BTreeSet<i32> = state.workers.iter().filter_map(|worker| worker.pid).collect();
        assert_eq!(busy, before);
        assert_eq!(pids(&procfs::children(supervisor.pid)), before);
        open(&gate);
        handles.into_iter().for_each(|handle| handle.get().unwrap());
    });
}

/// `test_idle_process_reuse_one` and `test_idle_process_reuse_multiple` of CPython's `ProcessPoolExecutorTest`.
pub fn calls_one_after_another_run_in_the_workers_that_are_there() {
    with_pool(|rig| {
        let before = pids(&rig.workers());
        for n in 0..200 {
            let pid = rig.pool.spawn(whoami::call()).unwrap();
            drop(rig.pool.spawn(square::call(n)).unwrap());
            assert!(before.contains(&pid.get().unwrap()));
        }
        assert_eq!(pids(&rig.workers()), before);
    });
}

/// `test_max_tasks_per_child_pending_tasks_gh115634` of CPython's `ProcessPoolExecutorTest`, at the least there is.
pub fn each_call_has_a_worker_of_its_own_where_one_is_all_that_it_may_have() {
    for workers in [1, 2] {
        let pool = builder().workers(workers).max_calls(1).build().unwrap();
        let handles: Vec<_> = (0..60).map(|_| pool.spawn(whoami::call()).unwrap()).collect();
        let seen: BTreeSet<i32> = handles.into_iter().map(Handle::get).collect::<Result<_>>().unwrap();
        assert_eq!(seen.len(), 60, "{seen:?}");
    }
}

/// `test_broken_process_pool_traceback` of CPython's `ProcessPoolExecutorTest`, where all calls of the pool are lost.
/// Here each error is of one call and its own worker.
pub fn calls_of_killed_workers_have_each_an_error_of_its_own() {
    with_pool(|rig| {
        let folder = Folder::new();
        let names = ["a", "b"];
        let handles = names.map(|name| rig.pool.spawn(announce::call(&folder.file(name), 600_000)).unwrap());
        let workers = names.map(|name| folder.process(name));
        let queued = rig.pool.spawn(square::call(4)).unwrap();
        workers.iter().for_each(|worker| kill(worker, Signal::SIGKILL));
        for (handle, worker) in handles.into_iter().zip(&workers) {
            let error = handle.get().unwrap_err();
            assert!(
                matches!(error, Error::Died { pid, started: true, .. } if pid == worker.pid),
                "{error:?}"
            );
            assert!(!worker.lives());
        }
        assert_eq!(queued.get().unwrap(), 16);
    });
}
