//! Deaths: each costs the call that it happens in, and leaves the pool as it was.

use std::time::Duration;

use multicore::{Error, Exit, Signal};
use nix::sys::signal::{self, Signal as Kill};
use nix::unistd::Pid;

use super::faults::{SOON, kill, outcome};
use crate::fixture::Folder;
use crate::procfs::Stat;
use crate::rig::{Rig, builder, with_pool};
use crate::watch::eventually;
use crate::{tasks, wild};

/// Queued ones and the other running one give their results.
pub fn a_killed_worker_costs_its_call_alone() {
    with_pool(|rig| {
        let folder = Folder::new();
        let path = folder.file("victim");
        let victim = rig.pool.spawn(tasks::announce::call(&path, 600_000)).unwrap();
        let process = folder.process("victim");
        let others: Vec<_> = (0..20).map(|n| rig.pool.spawn(tasks::nap::call(n)).unwrap()).collect();
        kill(&process, Kill::SIGKILL);
        let error = victim.get().unwrap_err();
        let Error::Died { pid, exit, started: true, .. } = error else { panic!("{error:?}") };
        assert_eq!((pid, exit), (process.pid, Exit::Signal(Signal(libc::SIGKILL))));
        for (n, handle) in (0..).zip(others) {
            assert_eq!(handle.get().unwrap(), n);
        }
    });
}

/// What an earlier call of the same worker panicked with, and caught, is not its last word.
pub fn a_killed_worker_has_no_words_of_an_earlier_call() {
    let rig = Rig::new(1);
    assert_eq!(outcome(&rig, tasks::panic_in_thread::call()).unwrap(), "below");
    let error = outcome(&rig, wild::bad_store::call()).unwrap_err();
    assert!(matches!(error, Error::Died { message: None, .. }), "{error:?}");
    rig.end();
}

/// The call that comes next runs elsewhere.
pub fn a_worker_killed_while_idle_costs_nothing() {
    with_pool(|rig| {
        for _ in 0..10 {
            let workers = rig.workers();
            for worker in &workers {
                // One killed in the last round may have been listed, and be gone now.
                let _ = signal::kill(Pid::from_raw(worker.pid), Kill::SIGKILL);
            }
            // Right away: some still believe that a dead one is idle.
            for n in 0..4 {
                assert_eq!(outcome(rig, tasks::square::call(n)).unwrap(), n * n);
            }
            eventually("the killed ones are dead", || !workers.iter().any(Stat::lives));
        }
    });
}

/// A pool whose workers all die soon after their start, whatever they do, goes on.
pub fn workers_that_die_again_and_again_are_no_reason_to_give_up() {
    let pool = builder().workers(2).env("MULTICORE_TEST_ABORTS_LATER", "1").build().unwrap();
    for n in 0..50 {
        let square = loop {
            match pool.spawn(tasks::square::call(n).retries(1000)).unwrap().get() {
                // Ten in a row died with the call in hand: on a loaded machine that happens.
                Err(Error::Died { started: false, .. }) => {}
                result => break result.unwrap(),
            }
        };
        assert_eq!(square, n * n);
        // So that most of them die with nothing to do.
        std::thread::sleep(Duration::from_millis(4));
    }
}

/// At its deadline, and when it is killed.
pub fn children_of_a_task_end_with_it() {
    with_pool(|rig| {
        let folder = Folder::new();
        let path = folder.file("child");
        let handle = rig.pool.spawn(tasks::breed::call(&path).timeout(Duration::from_secs(1))).unwrap();
        let child = folder.process("child");
        assert!(matches!(handle.get(), Err(Error::TimedOut { .. })));
        eventually("the child of a call over its time is gone", || !child.lives());
        let handle = rig.pool.spawn(tasks::breed::call(&path)).unwrap();
        let child = folder.process("child");
        let parent = crate::procfs::stat(child.parent).unwrap();
        kill(&parent, Kill::SIGKILL);
        assert!(matches!(handle.get(), Err(Error::Died { .. })));
        eventually("the child of a dead worker is gone", || !child.lives());
    });
}

/// As often as it may, and no more.
pub fn a_call_with_retries_runs_again() {
    with_pool(|rig| {
        let folder = Folder::new();
        for (name, times) in [("one", 1), ("two", 2)] {
            assert_eq!(outcome(rig, tasks::dies_at_first::call(&folder.file(name), times)).unwrap(), times);
        }
        let path = folder.file("three");
        let error = outcome(rig, tasks::dies_at_first::call(&path, 3)).unwrap_err();
        assert!(matches!(error, Error::Died { started: true, .. }), "{error:?}");
        assert_eq!(outcome(rig, tasks::dies_at_first::call(&path, 3)).unwrap(), 3, "it ran three times");
        let error = outcome(rig, tasks::dies::call(&folder.file("none"), 1)).unwrap_err();
        assert!(matches!(error, Error::Died { started: true, .. }), "{error:?}");
        let path = folder.file("by call");
        assert_eq!(outcome(rig, tasks::dies::call(&path, 3).retries(3)).unwrap(), 3);
        let error = outcome(rig, tasks::nap::call(600_000).timeout(SOON).retries(1)).unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    });
}

/// Panics, deaths and deadlines of calls whose handle is dropped free their slots.
pub fn a_detached_call_runs_whatever_becomes_of_it() {
    let rig = Rig::with(builder().workers(2).slots(4));
    for _ in 0..4 {
        drop(rig.pool.spawn(tasks::panic_literal::call()).unwrap());
        drop(rig.pool.spawn(tasks::abort::call()).unwrap());
        drop(rig.pool.spawn(tasks::nap::call(600_000).timeout(Duration::from_millis(20))).unwrap());
        drop(rig.pool.spawn(tasks::square::call(1)).unwrap());
    }
    rig.end();
}

/// Every tenth call kills its worker.
pub fn deaths_under_load_cost_their_calls_alone() {
    let rig = Rig::with(builder().workers(2).slots(8));
    let spawn = |n: u64| {
        let call = if n.is_multiple_of(10) { tasks::leave::call(7) } else { tasks::square::call(n) };
        rig.pool.spawn(call).unwrap()
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let handles: Vec<_> = (0..150).map(spawn).collect();
                for (n, handle) in (0..).zip(handles) {
                    match handle.get() {
                        Ok(square) => assert_eq!((n % 10 != 0, square), (true, n * n)),
                        Err(Error::Died { exit: Exit::Code(7), started: true, .. }) => assert_eq!(n % 10, 0),
                        Err(other) => panic!("{n}: {other:?}"),
                    }
                }
            });
        }
    });
    rig.end();
}

/// What was queued runs under the next one.
pub fn the_death_of_the_supervisor_costs_running_calls_alone() {
    with_pool(|rig| {
        let folder = Folder::new();
        for _ in 0..3 {
            let running: Vec<_> = ["a", "b"]
                .map(|name| rig.pool.spawn(tasks::announce::call(&folder.file(name), 600_000)).unwrap())
                .into_iter()
                .collect();
            let workers = ["a", "b"].map(|name| folder.process(name));
            let queued: Vec<_> = (0..20).map(|n| rig.pool.spawn(tasks::square::call(n)).unwrap()).collect();
            drop(rig.pool.spawn(tasks::square::call(1)).unwrap());
            let supervisor = crate::procfs::stat(workers[0].parent).unwrap();
            kill(&supervisor, Kill::SIGKILL);
            for handle in running {
                let error = handle.get().unwrap_err();
                assert!(matches!(error, Error::Died { started: true, .. }), "{error:?}");
            }
            for (n, handle) in (0..).zip(queued) {
                assert_eq!(handle.get().unwrap(), n * n);
            }
            for process in workers.iter().chain([&supervisor]) {
                assert!(!process.lives(), "{process:?}");
            }
            rig.check();
        }
    });
}

/// The next call finds a new one.
pub fn the_death_of_an_idle_supervisor_costs_nothing() {
    with_pool(|rig| {
        for n in 0..5 {
            let supervisor = rig.supervisor();
            kill(&supervisor, Kill::SIGKILL);
            if n % 2 == 0 {
                eventually("the supervisor is dead", || !supervisor.lives());
                assert_eq!(outcome(rig, tasks::square::call(n)).unwrap(), n * n);
            } else {
                // Some worker may have lived long enough to begin the call.
                match outcome(rig, tasks::square::call(n)) {
                    Ok(square) => assert_eq!(square, n * n),
                    Err(error) => assert!(matches!(error, Error::Died { started: true, .. }), "{error:?}"),
                }
            }
            eventually("the supervisor is dead", || !supervisor.lives());
        }
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! death_scenes {
    ($($then:tt)*) => {
        $($then)*! { deaths:
            a_killed_worker_costs_its_call_alone
            a_killed_worker_has_no_words_of_an_earlier_call
            a_worker_killed_while_idle_costs_nothing
            workers_that_die_again_and_again_are_no_reason_to_give_up
            children_of_a_task_end_with_it
            a_call_with_retries_runs_again
            a_detached_call_runs_whatever_becomes_of_it
            deaths_under_load_cost_their_calls_alone
            the_death_of_the_supervisor_costs_running_calls_alone
            the_death_of_an_idle_supervisor_costs_nothing
        }
    };
}
