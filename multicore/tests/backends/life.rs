//! Pools: their beginning, what can be seen of them, and their end.

#[cfg(threads)]
use std::sync::{Arc, Mutex};

use multicore::{Backend, Error, Pool};

use crate::stage::{SOON, Stage, eventually};
use crate::tasks;

pub(crate) fn a_pool_says_what_it_is(stage: &Stage) {
    assert_eq!((stage.pool.backend(), stage.pool.workers()), (stage.backend, 2));
    assert_eq!(stage.pool.start_method().is_some(), stage.is(Backend::Processes));
    let (process, thread) = stage.get(tasks::place::call());
    assert_eq!(process == std::process::id(), !stage.is(Backend::Processes));
    let own = format!("{:?}", std::thread::current().id());
    assert_eq!((process, thread) == (std::process::id(), own), stage.is(Backend::Inline));
    let workers = stage.pool.state().workers;
    assert_eq!(workers.len(), if stage.is(Backend::Inline) { 0 } else { 2 });
    let by_name = match stage.backend {
        #[cfg(threads)]
        Backend::Threads => Pool::threads(3),
        Backend::Inline => Pool::inline(),
        _ => Pool::processes(),
    };
    let by_name = by_name.unwrap();
    assert_eq!(by_name.backend(), stage.backend);
    assert_eq!(by_name.spawn(tasks::square::call(9)).unwrap().get().unwrap(), 81);
}

pub(crate) fn two_pools_mix_nothing_up(stage: &Stage) {
    let other = stage.config().workers(1).build().unwrap();
    let handles: Vec<_> = (0..50)
        .flat_map(|n| {
            [
                (n, stage.spawn(tasks::square::call(n))),
                (n + 1, other.spawn(tasks::square::call(n + 1)).unwrap()),
            ]
        })
        .collect();
    drop(other);
    handles.into_iter().for_each(|(n, handle)| assert_eq!(handle.get().unwrap(), n * n));
    assert_eq!(stage.get(tasks::square::call(3)), 9);
}

pub(crate) fn a_closed_pool_refuses_and_its_results_can_be_collected(stage: &Stage) {
    let handles: Vec<_> = (0..10).map(|n| stage.spawn(tasks::square::call(n))).collect();
    stage.pool.shutdown();
    stage.pool.shutdown();
    let end = stage.end(tasks::square::call(1));
    if stage.is(Backend::Inline) {
        assert_eq!(end.unwrap(), 1, "there is nothing to end");
    } else {
        assert!(matches!(end, Err(Error::Closed)), "{end:?}");
    }
    for (n, handle) in (0..).zip(handles) {
        assert!(handle.is_finished());
        assert_eq!(handle.get().unwrap(), n * n);
    }
}

pub(crate) fn a_dropped_pool_finishes_what_it_accepted(stage: &Stage) {
    let pool = stage.config().workers(1).build().unwrap();
    let path = stage.file("notes");
    let kept: Vec<_> = (0..8).map(|line| pool.spawn(tasks::note::call(&path, line)).unwrap()).collect();
    drop(pool);
    assert_eq!(stage.notes("notes"), (0..8).collect::<Vec<_>>());
    kept.into_iter().for_each(|handle| handle.get().unwrap());
}

/// Running, queued, and waited for by another thread.
pub(crate) fn a_pool_that_cannot_finish_in_time_closes_its_calls(stage: &Stage) {
    let pool = stage.config().shutdown_timeout(SOON).build().unwrap();
    let hold = |name: &str| pool.spawn(tasks::hold::call(&stage.file(name), &stage.file("gate"))).unwrap();
    let handles = ["a", "b", "c", "d"].map(hold);
    let waiting = hold("e");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| waiting.get());
        pool.shutdown();
        assert!(matches!(waits.join().unwrap(), Err(Error::Closed)));
    });
    for handle in handles {
        let end = handle.get();
        assert!(matches!(end, Err(Error::Closed)), "{end:?}");
    }
    let end = pool.spawn(tasks::square::call(1)).map(drop);
    assert!(matches!(end, Err(Error::Closed)), "{end:?}");
    stage.open("gate");
}

pub(crate) fn hooks_run_once_for_each_worker(stage: &Stage) {
    let path = stage.file("ends");
    let pool = stage.config().workers(1).build().unwrap();
    for _ in 0..5 {
        assert_eq!(pool.spawn(tasks::begun::call(&path)).unwrap().get().unwrap(), 1);
    }
    drop(pool);
    assert_eq!(stage.notes("ends"), [1], "it is over once the pool is");
}

pub(crate) fn the_state_of_a_pool_says_what_each_worker_does(stage: &Stage) {
    let pool = stage.config().workers(1).build().unwrap();
    let held = pool.spawn(tasks::hold::call(&stage.file("here"), &stage.file("gate"))).unwrap();
    stage.wait_for("here");
    let queued: Vec<_> = (0..3).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
    let state = pool.state();
    assert_eq!((state.queued, state.workers.len()), (3, 1));
    let worker = &state.workers[0];
    assert_eq!((worker.calls, worker.breadcrumb.as_deref()), (1, Some("held by gate")));
    assert!(worker.task.is_some_and(|task| task.ends_with("hold")), "{worker:?}");
    assert_eq!(worker.pid.is_some(), stage.is(Backend::Processes));
    stage.open("gate");
    assert!(!held.get().unwrap());
    queued.into_iter().zip(0..).for_each(|(handle, n)| assert_eq!(handle.get().unwrap(), n * n));
    eventually(|| pool.state().workers[0].task.is_none());
    assert_eq!((pool.state().queued, pool.state().workers[0].calls), (0, 4));
}

pub(crate) fn the_statistics_count_every_call_once(stage: &Stage) {
    let pool = stage.config().workers(1).build().unwrap();
    let held = pool.spawn(tasks::hold::call(&stage.file("here"), &stage.file("gate"))).unwrap();
    stage.wait_for("here");
    let squares: Vec<_> = (0..3).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
    let dropped = pool.spawn(tasks::square::call(9)).unwrap();
    let spilled = pool.spawn(tasks::spill::call("tea")).unwrap();
    let fragile = pool.spawn(tasks::make_fragile::call("stays")).unwrap();
    dropped.cancel();
    let calls = pool.stats().calls;
    assert_eq!((calls.queued, calls.running, calls.cancelled, calls.accepted()), (5, 1, 1, 7));
    stage.open("gate");
    assert!(!held.get().unwrap());
    squares.into_iter().zip(0..).for_each(|(handle, n)| assert_eq!(handle.get().unwrap(), n * n));
    assert!(dropped.get().is_err() && spilled.get().is_err() && fragile.get().is_err());
    pool.shutdown();
    let stats = pool.stats();
    let calls = stats.calls;
    assert_eq!((calls.queued, calls.running, calls.accepted(), calls.settled()), (0, 0, 7, 7));
    assert_eq!((calls.done, calls.panicked, calls.failed, calls.cancelled), (4, 1, 1, 1));
    assert!(stats.bytes_sent > 0 && stats.bytes_received > 0);
    assert_eq!((stats.workers.len(), stats.workers[0].calls, stats.run_time.count()), (1, 6, 6));
    assert!(stats.workers[0].busy <= stats.elapsed && stats.queue_wait.count() >= 1);
}

#[cfg(threads)]
static OWN: Mutex<Option<Arc<Pool>>> = Mutex::new(None);

/// Drops the pool that it runs on, once nobody else has it.
#[cfg(threads)]
#[multicore::task]
fn end_own_pool(here: &str, gate: &str) -> bool {
    tasks::hold(here, gate);
    OWN.lock().unwrap().take().is_some()
}

/// It does not wait for itself: what the pool has accepted and not finished by then is closed.
#[cfg(threads)]
pub(crate) fn a_task_can_end_its_own_pool(stage: &Stage) {
    let pool = Arc::new(stage.config().workers(1).build().unwrap());
    *OWN.lock().unwrap() = Some(pool.clone());
    let ends = pool.spawn(end_own_pool::call(&stage.file("here"), &stage.file("gate"))).unwrap();
    let queued = pool.spawn(tasks::square::call(3)).unwrap();
    drop(pool);
    stage.open("gate");
    for end in [ends.get().map(drop), queued.get().map(drop)] {
        assert!(matches!(end, Err(Error::Closed)), "{end:?}");
    }
}
