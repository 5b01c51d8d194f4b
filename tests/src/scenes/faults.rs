//! Faults: each is told as what it is, costs its own call alone, and leaves the pool as it was.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use multicore::{Call, Error, Exit, Handle, Signal};
use nix::sys::signal::{self, Signal as Kill};
use nix::unistd::Pid;

use crate::fixture::Folder;
use crate::procfs::Stat;
use crate::rig::{Rig, builder, with_pool};
use crate::watch::eventually;
use crate::{tasks, wild};

const SOON: Duration = Duration::from_millis(200);

fn kill(process: &Stat, signal: Kill) {
    signal::kill(Pid::from_raw(process.pid), signal).expect("a process of ours");
}

/// What becomes of a call.
#[track_caller]
fn outcome<R: 'static>(rig: &Rig, call: Call<'_, R>) -> multicore::Result<R> {
    rig.pool.spawn(call).and_then(Handle::get)
}

/// Checks that the call's worker dies so, and that the pool has recovered.
#[track_caller]
fn dies<R: std::fmt::Debug + 'static>(rig: &Rig, call: Call<'_, R>, expected: Exit, text: &str) {
    let name = call.name();
    let before = rig.workers();
    let error = outcome(rig, call).unwrap_err();
    let told = error.to_string();
    let Error::Died { task, pid, exit, started, .. } = error else { panic!("{error:?}") };
    assert_eq!((task.as_str(), exit, started), (name, expected, true));
    let worker = before.iter().find(|worker| worker.pid == pid).expect("the pid is a worker's");
    assert!(!worker.lives());
    assert!(told.contains(text) && told.contains(name) && told.contains(&pid.to_string()), "{told}");
    rig.check();
}

#[track_caller]
fn panics<R: std::fmt::Debug + 'static>(rig: &Rig, call: Call<'_, R>, expected: &str) -> Option<String> {
    let name = call.name();
    let before = rig.workers();
    let error = outcome(rig, call).unwrap_err();
    let told = error.to_string();
    let Error::Panicked { task, message, location, .. } = error else { panic!("{error:?}") };
    assert_eq!((task.as_str(), message.as_str()), (name, expected));
    assert!(told.contains(name) && told.contains(expected), "{told}");
    assert_eq!(pids(&rig.workers()), pids(&before), "the worker lives on");
    rig.check();
    location
}

fn pids(processes: &[Stat]) -> Vec<i32> {
    let mut pids: Vec<_> = processes.iter().map(|process| process.pid).collect();
    pids.sort_unstable();
    pids
}

/// A literal and a `String`.
pub fn a_panic_is_reported_with_message_and_place() {
    with_pool(|rig| {
        let place = panics(rig, tasks::panic_literal::call(), "a literal").expect("a place");
        assert!(place.contains("tasks.rs:"), "{place}");
        panics(rig, tasks::panic_text::call("text"), "made of text");
    });
}

/// `panic_any`.
pub fn a_panic_with_another_payload_is_reported() {
    with_pool(|rig| {
        panics(rig, tasks::panic_number::call(), "a panic whose payload is no text");
    });
}

/// After the function's own work.
pub fn a_panic_while_dropping_an_argument_is_reported() {
    with_pool(|rig| {
        let argument = tasks::PanicsInDrop { home: std::process::id() };
        panics(rig, tasks::drops::call(argument), "dropped away from home");
    });
}

/// What it makes of it is its result.
pub fn a_panic_in_a_thread_of_the_task_is_the_tasks_own() {
    with_pool(|rig| {
        assert_eq!(outcome(rig, tasks::panic_in_thread::call()).unwrap(), "below");
        rig.check();
    });
}

/// On each of the four ways.
pub fn what_cannot_be_encoded_or_decoded_is_an_error() {
    with_pool(|rig| {
        let check = |error: Error, expected: (bool, &str, &str)| {
            let found = match &error {
                Error::Encode { what, why, .. } => (true, *what, why.contains("no way out")),
                Error::Decode { what, why, .. } => (false, *what, why.contains("no way in")),
                other => panic!("{other:?}"),
            };
            assert_eq!(found, (expected.0, expected.1, true), "{error}");
            assert!(error.to_string().contains(expected.2), "{error}");
            rig.check();
        };
        let sent = rig.pool.spawn(tasks::take_fails_ser::call(tasks::FailsInSerialize(1)));
        check(sent.unwrap_err(), (true, "the arguments", "take_fails_ser"));
        let made = outcome(rig, tasks::make_fails_ser::call(1));
        check(made.unwrap_err(), (true, "the result", "make_fails_ser"));
        let taken = outcome(rig, tasks::take_fails_de::call(tasks::FailsInDeserialize(1)));
        check(taken.unwrap_err(), (false, "the arguments", "take_fails_de"));
        let back = outcome(rig, tasks::make_fails_de::call(1));
        check(back.unwrap_err(), (false, "the result", "make_fails_de"));
    });
}

/// Values within the depth that is allowed travel; deeper ones cost neither side its stack.
pub fn a_value_nested_too_deeply_is_an_error() {
    with_pool(|rig| {
        assert_eq!(outcome(rig, tasks::nest::call(50)).unwrap().depth(), 50);
        let error = outcome(rig, tasks::nest::call(500)).unwrap_err();
        assert!(matches!(error, Error::Decode { what: "the result", .. }), "{error:?}");
        let sent = outcome(rig, tasks::depth::call(tasks::Nested::of(500)));
        assert!(matches!(sent, Err(Error::Decode { what: "the arguments", .. })), "{sent:?}");
        rig.check();
    });
}

/// In the client a panic of the user's `Serialize` goes on; everywhere else it is an error.
pub fn a_panic_while_encoding_or_decoding_is_an_error() {
    let rig = Rig::with(builder().workers(2).slots(4));
    for _ in 0..5 {
        // More often than there are slots: each is given back.
        let sent = catch_unwind(AssertUnwindSafe(|| {
            drop(rig.pool.spawn(tasks::take_panics_ser::call(tasks::PanicsInSerialize(1))));
        }));
        assert_eq!(*sent.unwrap_err().downcast_ref::<&str>().unwrap(), "on the way out");
        let error = outcome(&rig, tasks::make_panics_de::call(1)).unwrap_err();
        let Error::Decode { what: "the result", why, .. } = &error else { panic!("{error:?}") };
        assert!(why.contains("on the way in"), "{why}");
    }
    panics(&rig, tasks::make_panics_ser::call(1), "on the way out");
    panics(&rig, tasks::take_panics_de::call(tasks::PanicsInDeserialize(1)), "on the way in");
    rig.end();
}

/// Any, 0 included.
pub fn an_exit_is_told_with_its_code() {
    with_pool(|rig| {
        dies(rig, tasks::leave::call(3), Exit::Code(3), "code 3");
        dies(rig, tasks::leave::call(0), Exit::Code(0), "code 0");
    });
}

/// SIGABRT.
pub fn an_abort_is_told_with_its_signal() {
    with_pool(|rig| dies(rig, tasks::abort::call(), Exit::Signal(Signal(libc::SIGABRT)), "SIGABRT"));
}

/// A real one.
pub fn a_bad_store_is_told_as_sigsegv() {
    with_pool(|rig| dies(rig, wild::bad_store::call(), Exit::Signal(Signal(libc::SIGSEGV)), "SIGSEGV"));
}

/// And not as SIGSEGV.
pub fn a_stack_overflow_is_told_as_such() {
    with_pool(|rig| dies(rig, tasks::overflow::call(), Exit::StackOverflow, "stack"));
}

/// `Display` names it.
pub fn every_deadly_signal_is_named() {
    with_pool(|rig| {
        for signal in [Kill::SIGKILL, Kill::SIGTERM, Kill::SIGBUS, Kill::SIGFPE, Kill::SIGILL, Kill::SIGXCPU]
        {
            let exit = Exit::Signal(Signal(signal as i32));
            dies(rig, tasks::raise::call(signal as i32), exit, signal.as_str());
        }
    });
}

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

/// A signal for its group does not reach it.
pub fn a_time_limit_reaches_a_worker_that_left_its_group() {
    with_pool(|rig| {
        let error = outcome(rig, tasks::change_group::call(600_000).timeout(SOON)).unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    });
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
        let result = pool.spawn(tasks::square::call(n).retries(1000)).unwrap().get();
        assert_eq!(result.unwrap(), n * n);
        // So that most of them die with nothing to do.
        std::thread::sleep(Duration::from_millis(4));
    }
}

#[track_caller]
fn times_out<R: std::fmt::Debug + 'static>(rig: &Rig, call: Call<'_, R>, expected: Duration) {
    let name = call.name();
    let error = outcome(rig, call).unwrap_err();
    assert!(error.to_string().contains("timeout"), "{error}");
    let Error::TimedOut { task, limit, .. } = error else { panic!("{error:?}") };
    assert_eq!((task.as_str(), limit), (name, expected));
    rig.check();
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
