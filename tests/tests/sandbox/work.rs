//! Calls within walls: they compute, carry payloads and end as they do without.

use std::time::Duration;

use multicore::{Call, Error, Exit, Pool, Sandbox, Signal};
use multicore_tests::payload::{self, MOST, Random};
use multicore_tests::watch::{LONG, eventually, within};
use multicore_tests::{attempts, tasks, wild};
use nix::sys::signal::{Signal as Kill, kill};
use nix::unistd::Pid;

use crate::{Calls, crumb_and_die, outcome, pool, with_rig};

const SOON: Duration = Duration::from_millis(200);

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn what_computing_needs_is_there() {
    with_rig(pool(Sandbox::new()), |rig| {
        for n in 0..20 {
            assert_eq!(outcome(rig, attempts::compute::call(n)).unwrap(), n * 6 + 1000 + (200 << 8));
        }
    });
}

/// What is there without walls, the scenes of the other tests show; this is about the walls.
#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn ends_of_every_kind_are_told_from_within_walls() {
    let config = pool(Sandbox::new()).data_limit(600 << 20);
    with_rig(config, |rig| {
        let died = |call: Call<'_, u64>, expected: Exit| match outcome(rig, call) {
            Err(Error::Died { exit, started: true, .. }) => assert_eq!(exit, expected),
            other => panic!("{expected:?}: {other:?}"),
        };
        died(tasks::abort::call(), Exit::Signal(Signal(libc::SIGABRT)));
        died(tasks::leave::call(3), Exit::Code(3));
        died(wild::bad_store::call(), Exit::Signal(Signal(libc::SIGSEGV)));
        died(tasks::overflow::call(), Exit::StackOverflow);
        died(tasks::raise::call(libc::SIGKILL), Exit::Signal(Signal(libc::SIGKILL)));
        died(hoard::call(), Exit::Signal(Signal(libc::SIGABRT)));
        let error = outcome(rig, tasks::panic_text::call("this")).unwrap_err();
        assert!(matches!(&error, Error::Panicked { message, .. } if message == "made of this"), "{error:?}");
        let error = outcome(rig, tasks::nap::call(600_000).timeout(SOON)).unwrap_err();
        assert!(matches!(error, Error::TimedOut { limit: SOON, .. }), "{error:?}");
        let handle = rig.pool.spawn(wander::call()).unwrap();
        eventually("the crumb is seen from outside", || {
            let state = rig.pool.state();
            let mut workers = state.workers.iter();
            workers
                .any(|worker| worker.breadcrumb.as_deref() == Some("in the sandbox") && worker.task.is_some())
        });
        handle.cancel();
        assert!(matches!(handle.get(), Err(Error::Cancelled { .. })));
        let error = outcome(rig, crumb_and_die::call("page 12")).unwrap_err();
        assert!(error.to_string().ends_with("(last seen at: page 12)"), "{error}");
    });
}

/// More memory than there is to be had; without the runtime's word about it.
#[multicore::task]
fn hoard() -> u64 {
    nix::unistd::close(2).unwrap();
    std::hint::black_box(vec![1u8; 2 << 30]).len() as u64
}

/// Says where it is, and stays.
#[multicore::task]
fn wander() {
    multicore::breadcrumb("in the sandbox");
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn retries_run_elsewhere_and_recycling_loses_nothing() {
    with_rig(pool(Sandbox::new()), |rig| {
        let error = outcome(rig, tasks::abort::call().retries(3)).unwrap_err();
        assert!(matches!(error, Error::Died { started: true, .. }), "{error:?}");
    });
    within(LONG, || {
        let pool = pool(Sandbox::new()).max_calls(1).build().unwrap();
        let handles: Vec<_> = (0..60).map(|_| pool.spawn(tasks::whoami::call()).unwrap()).collect();
        let mut pids: Vec<_> = handles.into_iter().map(|handle| handle.get().unwrap()).collect();
        pids.sort_unstable();
        pids.dedup();
        assert_eq!(pids.len(), 60, "each call has a worker of its own");
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn payloads_of_every_size_travel_through_both_regions() {
    with_rig(pool(Sandbox::new()).slots(8), |rig| {
        let mut random = Random::new(7);
        for round in 0..60 {
            let sizes = [(); 4].map(|()| (random.size(MOST as u64), random.size(MOST as u64)));
            let handles = sizes.map(|(sent, wanted)| {
                let call = tasks::exchange::call(round, payload::bytes(round, sent), round + 1, wanted);
                (rig.pool.spawn(call).unwrap(), wanted)
            });
            for (handle, wanted) in handles {
                payload::check(&handle.get().unwrap(), round + 1, wanted);
            }
        }
    });
    with_rig(pool(Sandbox::new()).payload_limit(8192), |rig| {
        let error = outcome(rig, tasks::zeroes::call(10_000)).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 8192, .. }), "{error:?}");
        assert_eq!(outcome(rig, tasks::zeroes::call(8000)).unwrap().len(), 8000);
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_result_that_no_worker_can_reach_is_borrowed_as_a_slice() {
    let borrow = |sandbox, check: fn(Option<&[u8]>)| {
        with_rig(pool(sandbox), |rig| {
            let call = tasks::hand_back::call(payload::bytes(1, MOST));
            let borrowed = rig.pool.spawn(call).unwrap().get_ref().unwrap();
            assert!(borrowed.is_in_place());
            rig.check();
            check(borrowed.as_slice());
        });
    };
    borrow(Sandbox::new(), |slice| payload::check(slice.expect("nobody else can write"), 1, MOST));
    borrow(Sandbox::new().without_seccomp(), |slice| assert_eq!(slice, None, "somebody could find a way"));
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn work_is_shared_among_workers() {
    with_rig(Pool::builder().workers(3).sandbox(Sandbox::new()), |rig| {
        let handles: Vec<_> = (0..90).map(|_| rig.pool.spawn(nap_and_tell::call(5)).unwrap()).collect();
        let mut calls = Calls::new();
        for handle in handles {
            *calls.entry(handle.get().unwrap()).or_default() += 1;
        }
        assert!(calls.len() == 3 && calls.values().all(|count| *count > 5), "{calls:?}");
    });
}

/// Who ran it, after a while.
#[multicore::task]
fn nap_and_tell(milliseconds: u64) -> i32 {
    tasks::nap(milliseconds);
    std::process::id() as i32
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn the_death_of_the_supervisor_costs_what_was_handed_out() {
    with_rig(pool(Sandbox::new()), |rig| {
        for _ in 0..3 {
            let (supervisor, workers) = (rig.supervisor(), rig.workers());
            let running = [(); 2].map(|()| rig.pool.spawn(tasks::nap::call(600_000)).unwrap());
            eventually("both are at it", || {
                rig.pool.state().workers.iter().all(|worker| worker.task.is_some())
            });
            let queued: Vec<_> = (0..20).map(|n| rig.pool.spawn(tasks::square::call(n)).unwrap()).collect();
            kill(Pid::from_raw(supervisor.pid), Kill::SIGKILL).unwrap();
            for handle in running {
                let result = handle.get();
                assert!(matches!(result, Err(Error::Died { exit: Exit::Unknown, .. })), "{result:?}");
            }
            for (n, handle) in (0..).zip(queued) {
                assert_eq!(handle.get().unwrap(), n * n);
            }
            assert!(!workers.iter().any(|worker| worker.lives()));
        }
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn dropping_a_pool_finishes_what_was_accepted() {
    within(LONG, || {
        for round in 0..10 {
            let pool = pool(Sandbox::new()).build().unwrap();
            let handles: Vec<_> = (0..50).map(|n| pool.spawn(tasks::nap::call(n % 3)).unwrap()).collect();
            drop(pool);
            for (n, handle) in (0..).zip(handles) {
                assert_eq!(handle.get().unwrap(), n % 3, "round {round}");
            }
        }
    });
}
