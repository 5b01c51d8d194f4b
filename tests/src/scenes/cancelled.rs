//! Calls that are cancelled: none runs on, and each settles once.

use std::time::Duration;

use multicore::{Error, Handle};

use crate::fixture::Folder;
use crate::procfs::Stat;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks;
use crate::watch::eventually;

fn is_cancelled<R>(outcome: &multicore::Result<R>) -> bool {
    matches!(outcome, Err(Error::Cancelled { .. }))
}

/// Whether somebody waits for it or not.
pub fn a_queued_call_that_is_cancelled_never_runs() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let running = rig.pool.spawn(tasks::nap::call(300)).unwrap();
    let queued = rig.pool.spawn(tasks::note::call(&folder.file("a"), 1)).unwrap();
    let behind = rig.pool.spawn(tasks::square::call(3)).unwrap();
    queued.cancel();
    queued.cancel();
    assert!(queued.is_finished());
    let error = queued.get().unwrap_err();
    assert_eq!(error.to_string(), "task `multicore_tests::tasks::note` was cancelled");
    assert_eq!((running.get().unwrap(), behind.get().unwrap()), (300, 9));
    assert!(!std::path::Path::new(&folder.file("a")).exists());
    rig.end();
}

/// Also one that ignores SIGTERM, and one that would be run again after a death.
pub fn a_running_call_that_is_cancelled_is_ended() {
    with_pool(|rig| {
        let folder = Folder::new();
        let first = rig.pool.spawn(tasks::announce::call(&folder.file("a"), 600_000).retries(3)).unwrap();
        let second = rig.pool.spawn(tasks::stubborn::call(&folder.file("b"))).unwrap();
        let workers = [folder.process("a"), folder.process("b")];
        first.cancel();
        second.cancel();
        assert!(is_cancelled(&first.get()) && is_cancelled(&second.get()));
        assert!(!workers.iter().any(Stat::lives));
        let finished = rig.pool.spawn(tasks::square::call(4)).unwrap();
        eventually("it is finished", || finished.is_finished());
        finished.cancel();
        assert_eq!(finished.get().unwrap(), 16, "it was finished first");
    });
}

/// Its result or `Cancelled`, and never a death of its own.
pub fn cancelling_at_any_moment_settles_every_call() {
    with_pool(|rig| {
        let mut cancelled = 0;
        for round in 0..150 {
            let handles: Vec<_> = (0..4).map(|n| rig.pool.spawn(tasks::nap::call(n)).unwrap()).collect();
            std::thread::sleep(Duration::from_micros(round * 20));
            handles.iter().for_each(Handle::cancel);
            for (n, handle) in (0..).zip(handles) {
                match handle.get() {
                    Ok(value) => assert_eq!(value, n),
                    outcome => {
                        assert!(is_cancelled(&outcome), "{outcome:?}");
                        cancelled += 1;
                    }
                }
            }
        }
        assert!(cancelled > 0);
    });
}

/// However they get into each other's way.
pub fn cancelling_from_many_threads_reaches_every_call() {
    let rig = Rig::new(4);
    for _ in 0..25 {
        let handles = [(); 4].map(|()| rig.pool.spawn(tasks::nap::call(600_000)).unwrap());
        std::thread::sleep(Duration::from_millis(5));
        std::thread::scope(|scope| {
            for handle in handles {
                scope.spawn(move || {
                    handle.cancel();
                    assert!(is_cancelled(&handle.get()));
                });
            }
        });
    }
    rig.end();
}

/// Which would otherwise wait for it until its time is up.
pub fn a_call_is_cancelled_while_its_pool_is_shut_down() {
    let pool = builder().workers(1).shutdown_timeout(Duration::from_secs(600)).build().unwrap();
    let folder = Folder::new();
    let handle = pool.spawn(tasks::announce::call(&folder.file("a"), 600_000)).unwrap();
    let worker = folder.process("a");
    std::thread::scope(|scope| {
        let end = scope.spawn(|| pool.shutdown());
        eventually("it is closed", || pool.spawn(tasks::square::call(1)).is_err());
        handle.cancel();
        assert!(is_cancelled(&handle.get()));
        end.join().unwrap();
    });
    assert!(!worker.lives());
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! cancelled_scenes {
    ($($then:tt)*) => {
        $($then)*! { cancelled:
            a_queued_call_that_is_cancelled_never_runs
            a_running_call_that_is_cancelled_is_ended
            cancelling_at_any_moment_settles_every_call
            cancelling_from_many_threads_reaches_every_call
            a_call_is_cancelled_while_its_pool_is_shut_down
        }
    };
}
