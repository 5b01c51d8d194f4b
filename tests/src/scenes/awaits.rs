//! Handles that are awaited: every executor, every end of a call, and what an await leaves alone.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use multicore::{AbortOnDrop, Error, Exit, Handle, Signal, Task};
use nix::sys::signal::Signal as Kill;

use super::faults::{SOON, kill};
use crate::fixture::Folder;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks;
use crate::watch::eventually;

/// Runs a future on one thread of tokio's.
pub(super) fn on_tokio<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

/// Counts how often it is called.
#[derive(Default)]
pub(super) struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Counting {
    pub(super) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

pub(super) fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Opens the gate of [`tasks::wait_at`].
fn open(gate: &str) {
    tasks::write_whole(gate, "");
}

/// A value, a panic, a death, a missed deadline, a cancelled call, a result of the function's own.
pub fn an_await_gives_whatever_became_of_the_call() {
    with_pool(|rig| {
        let pool = &rig.pool;
        on_tokio(async {
            assert_eq!(pool.spawn(tasks::square::call(7)).unwrap().await.unwrap(), 49);
            let error = pool.spawn(tasks::panic_literal::call()).unwrap().await.unwrap_err();
            assert!(matches!(&error, Error::Panicked { message, .. } if message == "a literal"), "{error:?}");
            let error = pool.spawn(tasks::leave::call(3)).unwrap().await.unwrap_err();
            assert!(matches!(error, Error::Died { exit: Exit::Code(3), started: true, .. }), "{error:?}");
            let error = pool.spawn(tasks::nap::call(600_000).timeout(SOON)).unwrap().await.unwrap_err();
            assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
            let cancelled = pool.spawn(tasks::nap::call(600_000)).unwrap();
            cancelled.cancel();
            let error = cancelled.await.unwrap_err();
            assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
        });
    });
}

/// Queued, running and finished ones are cancelled while they are awaited.
pub fn calls_that_are_cancelled_while_they_are_awaited_settle() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let mut handles: Vec<_> =
            (0..20).map(|n| rig.pool.spawn(tasks::wait_at::call(&gate, n)).unwrap()).collect();
        let counting = Arc::new(Counting::default());
        let waker = Waker::from(counting.clone());
        for handle in &mut handles {
            assert!(poll(handle, &waker).is_pending());
        }
        handles.iter().for_each(Handle::cancel);
        on_tokio(async {
            for handle in handles {
                let error = handle.await.unwrap_err();
                assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
            }
        });
    });
}

/// By a select or a timeout.
pub fn an_await_that_was_given_up_is_taken_up_again() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        on_tokio(async {
            let mut handle = rig.pool.spawn(tasks::wait_at::call(&gate, 5)).unwrap();
            for _ in 0..3 {
                let given_up = tokio::time::timeout(Duration::from_millis(5), &mut handle).await;
                assert!(given_up.is_err(), "the gate is closed");
                tokio::select! {
                    biased;
                    result = &mut handle => panic!("the gate is closed: {result:?}"),
                    () = tokio::task::yield_now() => {}
                }
            }
            assert!(!handle.is_finished());
            open(&gate);
            assert_eq!(handle.await.unwrap(), 5);
        });
    });
}

/// Both ways of waiting, one after the other.
pub fn a_handle_that_was_waited_for_can_be_awaited_and_the_other_way_round() {
    with_pool(|rig| {
        let folder = Folder::new();
        for round in 0..20 {
            let gate = folder.file(&format!("gate {round}"));
            let spawn = || rig.pool.spawn(tasks::wait_at::call(&gate, round)).unwrap();
            let (waited, mut awaited) = (spawn(), spawn());
            assert!(poll(&mut awaited, Waker::noop()).is_pending());
            let waited = waited.get_timeout(Duration::from_millis(1)).expect_err("the gate is closed");
            open(&gate);
            assert_eq!(on_tokio(waited).unwrap(), round);
            assert_eq!(awaited.get().unwrap(), round);
        }
    });
}

/// The last waker alone is called, once.
pub fn the_waker_of_the_last_poll_is_called() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let mut handle = rig.pool.spawn(tasks::wait_at::call(&gate, 1)).unwrap();
        let [first, last] = [(); 2].map(|()| Arc::new(Counting::default()));
        for counting in [&first, &last, &last] {
            assert!(poll(&mut handle, &Waker::from(counting.clone())).is_pending());
        }
        open(&gate);
        eventually("the waker is called", || last.count() > 0);
        assert!(matches!(poll(&mut handle, Waker::noop()), Poll::Ready(Ok(1))));
        assert_eq!((first.count(), last.count()), (0, 1));
        assert!(matches!(poll(&mut handle, Waker::noop()), Poll::Ready(Err(Error::Closed))), "it is taken");
        drop(handle);
        eventually("nobody keeps a waker", || Arc::strong_count(&last) == 1);
        assert_eq!(Arc::strong_count(&first), 1);
    });
}

/// A call whose future is dropped goes on; so does one whose handle was only polled.
pub fn dropping_a_future_does_not_cancel_its_call() {
    with_pool(|rig| {
        let folder = Folder::new();
        let (gate, path) = (folder.file("gate"), folder.file("notes"));
        let mut handle = rig.pool.spawn(tasks::note_behind::call(&gate, &path)).unwrap();
        let counting = Arc::new(Counting::default());
        assert!(poll(&mut handle, &Waker::from(counting.clone())).is_pending());
        drop(handle);
        assert_eq!(Arc::strong_count(&counting), 1, "the waker goes with the handle");
        open(&gate);
        eventually("the call had its effect", || {
            std::fs::read_to_string(&path).is_ok_and(|text| text == "1\n")
        });
        assert_eq!(counting.count(), 0);
    });
}

/// At an await that is given up, as at any other moment.
pub fn an_abort_on_drop_that_is_awaited_cancels_its_call() {
    with_pool(|rig| {
        let folder = Folder::new();
        let path = folder.file("victim");
        let spawn = || AbortOnDrop::new(rig.pool.spawn(tasks::announce::call(&path, 600_000)).unwrap());
        let mut victim = spawn();
        let process = folder.process("victim");
        on_tokio(async {
            assert!(tokio::time::timeout(Duration::from_millis(5), &mut victim).await.is_err());
            drop(victim);
            assert_eq!(AbortOnDrop::new(rig.pool.spawn(tasks::square::call(4)).unwrap()).await.unwrap(), 16);
        });
        eventually("its worker is ended", || !process.lives());
    });
}

/// All of a group's results in order, or the first error in order after all have settled.
pub fn a_task_is_awaited_as_it_is_got() {
    with_pool(|rig| {
        on_tokio(async {
            let mut task = Task::on(&rig.pool);
            (0..200).try_for_each(|n| task.run(tasks::square::call(n))).unwrap();
            assert!(task.await.unwrap().into_iter().eq((0..200).map(|n| n * n)));
            let mut task = Task::on(&rig.pool);
            for n in 0..20 {
                let call = if n == 7 { tasks::leave::call(7) } else { tasks::square::call(n) };
                task.run(call).unwrap();
            }
            let error = task.await.unwrap_err();
            assert!(matches!(error, Error::Died { exit: Exit::Code(7), .. }), "{error:?}");
            assert!(Task::<u64>::on(&rig.pool).await.unwrap().is_empty());
        });
        let folder = Folder::new();
        let gate = folder.file("gate");
        let counting = Arc::new(Counting::default());
        let mut task = Task::on(&rig.pool);
        (0..4).try_for_each(|n| task.run(tasks::wait_at::call(&gate, n))).unwrap();
        let mut gathering = task.into_future();
        assert!(poll(&mut gathering, &Waker::from(counting.clone())).is_pending());
        drop(gathering);
        assert_eq!(Arc::strong_count(&counting), 1, "the waker goes with the future");
        open(&gate);
    });
}

/// While calls are awaited, the one thread does something else, which decides when they end.
pub fn an_await_leaves_the_executors_thread_to_others() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = &folder.file("gate");
        let handles: Vec<_> =
            (0..10).map(|n| rig.pool.spawn(tasks::wait_at::call(gate, n)).unwrap()).collect();
        on_tokio(async {
            let ticking = async {
                for _ in 0..20 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                open(gate);
            };
            let awaiting = async {
                for (n, handle) in (0..).zip(handles) {
                    assert_eq!(handle.await.unwrap(), n);
                }
            };
            tokio::join!(awaiting, ticking);
        });
    });
}

/// Threads of tokio's, and smol's, on several pools.
pub fn several_executors_await_calls_of_several_pools() {
    let pools: Vec<_> = (0..3).map(|_| Arc::new(builder().workers(1).build().unwrap())).collect();
    let calls = |pool: Arc<multicore::Pool>| async move {
        for n in 0..50 {
            assert_eq!(pool.spawn(tasks::square::call(n)).unwrap().await.unwrap(), n * n);
        }
    };
    std::thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| on_tokio(calls(pool.clone())));
            scope.spawn(|| smol::block_on(calls(pool.clone())));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let tasks: Vec<_> = (0..12).map(|n| runtime.spawn(calls(pools[n % 3].clone()))).collect();
        let executor = smol::Executor::new();
        let more: Vec<_> = (0..12).map(|n| executor.spawn(calls(pools[n % 3].clone()))).collect();
        smol::block_on(executor.run(async {
            for one in more {
                one.await;
            }
        }));
        runtime.block_on(async {
            for task in tasks {
                task.await.expect("every call gives its square");
            }
        });
    });
}

/// Other calls need their slots meanwhile. Each that was not there at once has its waker called.
pub fn results_that_were_moved_aside_are_awaited() {
    let rig = Rig::with(builder().workers(2).slots(4));
    let mut pending = Vec::new();
    for n in 0..400 {
        let mut handle = rig.pool.spawn(tasks::square::call(n)).unwrap();
        let counting = Arc::new(Counting::default());
        match poll(&mut handle, &Waker::from(counting.clone())) {
            Poll::Ready(square) => assert_eq!(square.unwrap(), n * n),
            Poll::Pending => pending.push((n, handle, counting)),
        }
    }
    for (n, mut handle, counting) in pending {
        eventually("its waker is called", || counting.count() == 1);
        assert!(matches!(poll(&mut handle, Waker::noop()), Poll::Ready(Ok(square)) if square == n * n));
    }
    rig.end();
}

/// What runs when the time is up.
pub fn a_pool_that_ends_settles_what_is_awaited() {
    let pool = builder().workers(1).shutdown_timeout(Duration::ZERO).build().unwrap();
    let handles: Vec<_> = (0..5).map(|_| pool.spawn(tasks::nap::call(600_000)).unwrap()).collect();
    let awaiting = std::thread::spawn(|| {
        on_tokio(async {
            for handle in handles {
                let error = handle.await.unwrap_err();
                assert!(matches!(error, Error::Closed), "{error:?}");
            }
        });
    });
    drop(pool);
    awaiting.join().expect("they are closed");
}

/// Nobody but the waker thread looks after the pool.
pub fn an_await_sees_the_deaths_of_worker_and_supervisor() {
    with_pool(|rig| {
        let folder = Folder::new();
        let path = folder.file("victim");
        for of_supervisor in [false, true] {
            let mut victim = rig.pool.spawn(tasks::announce::call(&path, 600_000)).unwrap();
            let process = folder.process("victim");
            let queued: Vec<_> = (0..20).map(|n| rig.pool.spawn(tasks::square::call(n)).unwrap()).collect();
            assert!(poll(&mut victim, Waker::noop()).is_pending());
            let supervisor = rig.supervisor_of_worker(&process);
            kill(if of_supervisor { &supervisor } else { &process }, Kill::SIGKILL);
            on_tokio(async {
                let error = victim.await.unwrap_err();
                assert!(matches!(error, Error::Died { started: true, .. }), "{error:?}");
                for (n, handle) in (0..).zip(queued) {
                    match handle.await {
                        Ok(square) => assert_eq!(square, n * n),
                        Err(error) => {
                            assert!(
                                of_supervisor && matches!(error, Error::Died { started: true, .. }),
                                "{error:?}"
                            );
                        }
                    }
                }
            });
            assert!(!process.lives());
        }
    });
}

/// Others are called all the same.
pub fn a_waker_that_panics_harms_nobody() {
    struct Panicking;
    impl Wake for Panicking {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("a waker's own fault"));
        }
    }
    with_pool(|rig| {
        let folder = Folder::new();
        for round in 0..3 {
            let gate = folder.file(&format!("gate {round}"));
            let mut handles: Vec<_> =
                (0..4).map(|n| rig.pool.spawn(tasks::wait_at::call(&gate, n)).unwrap()).collect();
            let counting = Arc::new(Counting::default());
            for (n, handle) in handles.iter_mut().enumerate() {
                let panicking = Waker::from(Arc::new(Panicking));
                let waker = if n % 2 == 0 { panicking } else { Waker::from(counting.clone()) };
                assert!(poll(handle, &waker).is_pending());
            }
            open(&gate);
            eventually("the others are called", || counting.count() == 2);
        }
    });
}

/// Calls that a call makes run at once: no thread is needed.
pub fn a_nested_call_that_is_awaited_is_there_at_once() {
    with_pool(|rig| {
        let (worker, inside, threads) = rig.pool.spawn(tasks::nested_await::call()).unwrap().get().unwrap();
        assert_eq!((worker, threads), (inside, 1));
    });
}

/// A supervisor that no longer comes to life: the pool gives up, and so does who awaits.
pub fn a_pool_that_gives_up_settles_what_is_awaited() {
    let pool = builder().workers(1).env("MULTICORE_TEST_START_HOOK", "no").build();
    // Seen when the pool is made, or by whoever awaits.
    let error = match pool.and_then(|pool| pool.spawn(tasks::square::call(1)).map(on_tokio)) {
        Ok(result) => result.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, Error::RestartLimit { .. }), "{error:?}");
}

/// Deadly signals of tasks, awaited.
pub fn many_awaits_beside_deaths_settle() {
    let rig = Rig::with(builder().workers(2).slots(64));
    on_tokio(async {
        let handles: Vec<_> = (0..60)
            .map(|n| {
                let call =
                    if n % 10 == 3 { tasks::raise::call(libc::SIGKILL) } else { tasks::square::call(n) };
                rig.pool.spawn(call).unwrap()
            })
            .collect();
        for (n, handle) in (0..).zip(handles) {
            match handle.await {
                Ok(square) => assert_eq!((n % 10 == 3, square), (false, n * n)),
                Err(Error::Died { exit: Exit::Signal(Signal(libc::SIGKILL)), started: true, .. }) => {
                    assert_eq!(n % 10, 3);
                }
                Err(other) => panic!("{n}: {other:?}"),
            }
        }
    });
    rig.end();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! await_scenes {
    ($($then:tt)*) => {
        $($then)*! { awaits:
            an_await_gives_whatever_became_of_the_call
            calls_that_are_cancelled_while_they_are_awaited_settle
            an_await_that_was_given_up_is_taken_up_again
            a_handle_that_was_waited_for_can_be_awaited_and_the_other_way_round
            the_waker_of_the_last_poll_is_called
            dropping_a_future_does_not_cancel_its_call
            an_abort_on_drop_that_is_awaited_cancels_its_call
            a_task_is_awaited_as_it_is_got
            an_await_leaves_the_executors_thread_to_others
            several_executors_await_calls_of_several_pools
            results_that_were_moved_aside_are_awaited
            a_pool_that_ends_settles_what_is_awaited
            an_await_sees_the_deaths_of_worker_and_supervisor
            a_waker_that_panics_harms_nobody
            a_nested_call_that_is_awaited_is_there_at_once
            a_pool_that_gives_up_settles_what_is_awaited
            many_awaits_beside_deaths_settle
        }
    };
}
