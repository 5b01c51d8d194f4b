//! Time limits: whoever goes over one is ended, whatever it makes of that.

use std::time::Duration;

use multicore::{Call, Error};
use nix::sys::signal::Signal as Kill;

use super::faults::{SOON, kill, outcome};
use crate::fixture::Folder;
use crate::rig::{Rig, with_pool};
use crate::tasks;
use crate::watch::eventually;

#[track_caller]
fn times_out<R: std::fmt::Debug + 'static>(rig: &Rig, call: Call<'_, R>, expected: Duration) {
    let name = call.name();
    let error = outcome(rig, call).unwrap_err();
    assert!(error.to_string().contains("timeout"), "{error}");
    let Error::TimedOut { task, limit, .. } = error else { panic!("{error:?}") };
    assert_eq!((task.as_str(), limit), (name, expected));
    rig.check();
}

/// A signal for its group does not reach it.
pub fn a_time_limit_reaches_a_worker_that_left_its_group() {
    with_pool(|rig| {
        let error = outcome(rig, tasks::change_group::call(600_000).timeout(SOON)).unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    });
}

/// By the call's limit, or the task's; one that is in time is not.
pub fn a_call_over_its_time_is_ended() {
    with_pool(|rig| {
        times_out(rig, tasks::nap::call(600_000).timeout(SOON), SOON);
        times_out(rig, tasks::limited::call(600_000), SOON);
        times_out(rig, tasks::nap::call(600_000).timeout(Duration::from_nanos(1)), Duration::from_nanos(1));
        assert_eq!(outcome(rig, tasks::limited::call(1).timeout(Duration::from_secs(60))).unwrap(), 1);
        assert_eq!(outcome(rig, tasks::nap::call(1).timeout(Duration::MAX)).unwrap(), 1);
    });
}

/// After its grace.
pub fn a_task_that_ignores_sigterm_is_killed() {
    with_pool(|rig| {
        let folder = Folder::new();
        let path = folder.file("stubborn");
        let limit = Duration::from_secs(1);
        let handle = rig.pool.spawn(tasks::stubborn::call(&path).timeout(limit)).unwrap();
        let process = folder.process("stubborn");
        let error = handle.get().unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
        eventually("the stubborn worker is gone", || !process.lives());
    });
}

/// SIGSTOP stops the worker, not the clock.
pub fn a_time_limit_reaches_a_stopped_worker() {
    with_pool(|rig| {
        let folder = Folder::new();
        let path = folder.file("stopped");
        let limit = Duration::from_millis(700);
        let handle = rig.pool.spawn(tasks::announce::call(&path, 600_000).timeout(limit)).unwrap();
        let process = folder.process("stopped");
        kill(&process, Kill::SIGSTOP);
        let error = handle.get().unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
        eventually("the stopped worker is gone", || !process.lives());
    });
}

/// Many at once, some of which are in time.
pub fn time_limits_of_many_calls_are_kept_apart() {
    with_pool(|rig| {
        let spawn = |n: u64| {
            let nap = if n.is_multiple_of(4) { 600_000 } else { n % 3 };
            let limit =
                if n.is_multiple_of(4) { Duration::from_millis(30 + n) } else { Duration::from_secs(60) };
            rig.pool.spawn(tasks::nap::call(nap).timeout(limit)).unwrap()
        };
        let handles: Vec<_> = (0..40).map(spawn).collect();
        for (n, handle) in (0..).zip(handles) {
            match handle.get() {
                Ok(nap) => assert_eq!((n % 4 != 0, nap), (true, n % 3)),
                Err(Error::TimedOut { limit, .. }) => {
                    assert_eq!((n % 4, limit), (0, Duration::from_millis(30 + n)));
                }
                Err(other) => panic!("{n}: {other:?}"),
            }
        }
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! deadline_scenes {
    ($($then:tt)*) => {
        $($then)*! { deadlines:
            a_time_limit_reaches_a_worker_that_left_its_group
            a_call_over_its_time_is_ended
            a_task_that_ignores_sigterm_is_killed
            a_time_limit_reaches_a_stopped_worker
            time_limits_of_many_calls_are_kept_apart
        }
    };
}
