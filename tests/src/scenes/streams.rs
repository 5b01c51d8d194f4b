//! What is awaited besides handles: results of a map, and slots.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Waker;

use multicore::{Error, Exit, Handle};
use smol::stream::{Stream, StreamExt};

use super::awaits::{self, Counting};
use crate::fixture::Folder;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks;
use crate::watch::eventually;

/// In order, and in any; errors among the values.
pub fn mapped_results_come_as_a_stream() {
    with_pool(|rig| {
        let calls =
            || (0..2000).map(|n| if n % 500 == 7 { tasks::leave::call(9) } else { tasks::square::call(n) });
        let check = |n: u64, result: multicore::Result<u64>| match result {
            Ok(square) => assert_eq!((n % 500 == 7, square), (false, n * n)),
            Err(Error::Died { exit: Exit::Code(9), .. }) => assert_eq!(n % 500, 7),
            Err(other) => panic!("{n}: {other:?}"),
        };
        awaits::on_tokio(async {
            let mut results = rig.pool.map(calls()).into_stream();
            for n in 0..2000 {
                check(n, results.next().await.expect("as many as calls"));
            }
            assert!(results.next().await.is_none() && results.next().await.is_none());
        });
        let results: Vec<_> = smol::block_on(rig.pool.map_unordered(calls()).into_stream().collect());
        let mut squares: Vec<u64> = results.into_iter().filter_map(Result::ok).collect();
        squares.sort_unstable();
        assert!(squares.into_iter().eq((0..2000).filter(|n| n % 500 != 7).map(|n| n * n)));
    });
}

/// A bounded number of calls ahead, and what is under way at its end is cancelled.
pub fn a_stream_takes_calls_as_it_is_asked_and_cancels_the_rest() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let asked = AtomicUsize::new(0);
        let calls = (0..)
            .inspect(|_| {
                asked.fetch_add(1, SeqCst);
            })
            .map(|n| if n < 3 { tasks::square::call(n) } else { tasks::wait_at::call(&gate, n) });
        let counting = Arc::new(Counting::default());
        let mut results = Box::pin(rig.pool.map(calls).in_flight(10).into_stream());
        assert_eq!(asked.load(SeqCst), 0, "nothing happens before the first result is asked for");
        for n in 0..3 {
            assert_eq!(awaits::on_tokio(results.next()).expect("endless").unwrap(), n * n);
        }
        let waker = Waker::from(counting.clone());
        let mut context = std::task::Context::from_waker(&waker);
        assert!(results.as_mut().poll_next(&mut context).is_pending());
        assert!(asked.load(SeqCst) <= 3 + 10 + 1, "{asked:?}");
        drop(waker);
        drop(results);
        assert_eq!(Arc::strong_count(&counting), 1, "the waker goes with the stream");
        // Though the gate stays closed.
        assert_eq!(rig.pool.spawn(tasks::square::call(5)).unwrap().get().unwrap(), 25);
    });
}

/// While one thread's stream has all slots of a pool, another's gets some; and a task that is somebody else's takes
/// its turns on the same thread.
pub fn streams_on_few_slots_share_them() {
    let rig = Rig::with(builder().workers(2).slots(4));
    let pool = &rig.pool;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(move || {
                let stream = |start: u64| async move {
                    let calls = (start..start + 300).map(tasks::square::call);
                    let mut results = pool.map_unordered(calls).into_stream();
                    let mut sum = 0;
                    while let Some(square) = results.next().await {
                        sum += square.unwrap();
                    }
                    assert_eq!(sum, (start..start + 300).map(|n| n * n).sum::<u64>());
                };
                awaits::on_tokio(async { tokio::join!(stream(0), stream(1000)) });
            });
        }
    });
    rig.end();
}

/// An iterator that was begun goes on as a stream.
pub fn a_map_that_was_begun_goes_on_as_a_stream() {
    let rig = Rig::with(builder().workers(1).slots(2));
    let mut map = rig.pool.map((0..100).map(tasks::square::call));
    for n in 0..10 {
        assert_eq!(map.next().expect("there are more").unwrap(), n * n);
    }
    let rest: Vec<u64> = smol::block_on(map.into_stream().map(Result::unwrap).collect());
    assert!(rest.into_iter().eq((10..100).map(|n| n * n)));
    rig.end();
}

/// To threads that other executors run.
pub fn streams_and_slots_can_be_sent_to_other_threads() {
    let pool = Arc::new(builder().workers(1).slots(4).build().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mine = pool.clone();
    let task = runtime.spawn(async move {
        let mut results = mine.map((0..100).map(tasks::square::call)).into_stream();
        let mut sum = 0;
        while let Some(square) = results.next().await {
            let slot = mine.reserve().await.unwrap();
            tokio::task::yield_now().await;
            sum += square.unwrap() + slot.spawn(tasks::square::call(1)).unwrap().await.unwrap();
        }
        sum
    });
    assert_eq!(runtime.block_on(task).unwrap(), 100 + (0..100).map(|n| n * n).sum::<u64>());
}

/// The one thread that awaits a slot decides when one comes free.
pub fn a_slot_is_awaited_while_every_one_is_taken() {
    let rig = Rig::with(builder().workers(2).slots(4));
    let folder = Folder::new();
    let gate = &folder.file("gate");
    awaits::on_tokio(async {
        let running: Vec<_> =
            (0..4).map(|n| rig.pool.spawn(tasks::wait_at::call(gate, n)).unwrap()).collect();
        let mut first = Box::pin(rig.pool.reserve());
        let given_up = async {
            tokio::select! {
                biased;
                slot = &mut first => panic!("none is free: {slot:?}"),
                () = tokio::task::yield_now() => {}
            }
        };
        given_up.await;
        let sending = async {
            let mut handles: Vec<Handle<u64>> = Vec::new();
            for n in 0..100 {
                handles.push(rig.pool.reserve().await.unwrap().spawn(tasks::square::call(n)).unwrap());
            }
            for (n, handle) in (0..).zip(handles) {
                assert_eq!(handle.await.unwrap(), n * n);
            }
        };
        let opening = async {
            tokio::task::yield_now().await;
            tasks::write_whole(gate, "");
        };
        tokio::join!(sending, opening);
        drop(first.await.unwrap());
        for (n, handle) in (0..).zip(running) {
            assert_eq!(handle.await.unwrap(), n);
        }
    });
    rig.end();
}

/// Dropped, forgotten by their future, or kept beyond the end of their pool.
pub fn reserved_slots_come_back() {
    let rig = Rig::with(builder().workers(2).slots(4));
    awaits::on_tokio(async {
        for _ in 0..100 {
            let slots = [rig.pool.reserve().await, rig.pool.reserve().await, rig.pool.reserve().await];
            let [first, second, third] = slots.map(Result::unwrap);
            drop((first, third));
            assert_eq!(second.spawn(tasks::square::call(3)).unwrap().await.unwrap(), 9);
        }
        let slots = [(); 4].map(|()| rig.pool.reserve());
        let mut held = Vec::new();
        for slot in slots {
            held.push(slot.await.unwrap());
        }
        let counting = Arc::new(Counting::default());
        let mut awaited = rig.pool.reserve();
        assert!(awaits::poll(&mut awaited, &Waker::from(counting.clone())).is_pending());
        drop(awaited);
        assert_eq!(Arc::strong_count(&counting), 1, "the waker goes with the future");
        let mut awaited = rig.pool.reserve();
        assert!(awaits::poll(&mut awaited, &Waker::from(counting.clone())).is_pending());
        drop(held.pop());
        eventually("it is called", || counting.count() > 0);
        drop(awaited.await.unwrap());
    });
    rig.end();
    let pool = builder().workers(1).slots(2).build().unwrap();
    let [kept, other] = [(); 2].map(|()| awaits::on_tokio(pool.reserve()).unwrap());
    let mut awaited = pool.reserve();
    let counting = Arc::new(Counting::default());
    assert!(awaits::poll(&mut awaited, &Waker::from(counting.clone())).is_pending());
    pool.shutdown();
    eventually("who awaits a slot of a closed pool is called", || counting.count() > 0);
    assert!(matches!(awaits::on_tokio(awaited), Err(Error::Closed)));
    assert!(matches!(kept.spawn(tasks::square::call(1)), Err(Error::Closed)));
    drop(other);
}

/// It is asserted by the compiler.
#[allow(dead_code, reason = "it only has to compile")]
fn are_sent(pool: &multicore::Pool) {
    fn is_sent<T: Send>(_: T) {}
    let handle = pool.spawn(tasks::square::call(1)).unwrap();
    is_sent(handle);
    is_sent(pool.map((0..3).map(tasks::square::call)).into_stream());
    is_sent(pool.reserve());
    fn is_future<T: Future>(_: T) {}
    is_future(multicore::reserve());
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! stream_scenes {
    ($($then:tt)*) => {
        $($then)*! { streams:
            mapped_results_come_as_a_stream
            a_stream_takes_calls_as_it_is_asked_and_cancels_the_rest
            streams_on_few_slots_share_them
            a_map_that_was_begun_goes_on_as_a_stream
            streams_and_slots_can_be_sent_to_other_threads
            a_slot_is_awaited_while_every_one_is_taken
            reserved_slots_come_back
        }
    };
}
