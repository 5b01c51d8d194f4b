//! Slots, threads and pools in numbers: back-pressure never deadlocks, and nothing is mixed up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use multicore::{Config, Error, Handle, Pool, Task};

use crate::payload::{self, Random};
use crate::rig::{Rig, builder};
use crate::tasks;

/// Fewer calls than the real number, for a build without optimisation.
const MANY: u64 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };

fn four_slots() -> Config {
    builder().workers(2).slots(4)
}

/// All started before the first is collected.
pub fn one_thread_with_four_slots_starts_any_number_of_calls() {
    let rig = Rig::with(four_slots());
    let handles: Vec<_> = (0..MANY).map(|n| rig.pool.spawn(tasks::square::call(n)).unwrap()).collect();
    for (n, handle) in (0..).zip(handles) {
        assert_eq!(handle.get().unwrap(), n * n);
    }
    rig.end();
}

/// The same by `Task`.
pub fn a_task_on_four_slots_gives_its_results_in_order() {
    let rig = Rig::with(four_slots());
    let mut task = Task::on(&rig.pool);
    for n in 0..100_000 {
        task.run(tasks::square::call(n)).unwrap();
    }
    let squares = task.get().unwrap();
    assert_eq!(squares.len(), 100_000);
    assert!((0..).zip(&squares).all(|(n, square): (u64, _)| *square == n * n));
    rig.end();
}

/// Whatever one does with handles, the others give their own results.
pub fn handles_are_collected_in_reverse_dropped_and_forgotten() {
    let rig = Rig::with(four_slots());
    let mut handles = Vec::new();
    for n in 0..2000 {
        let handle = rig.pool.spawn(tasks::square::call(n)).unwrap();
        match n % 3 {
            0 => handles.push((n, handle)),
            1 => drop(handle),
            _ => std::mem::forget(handle),
        }
    }
    for (n, handle) in handles.into_iter().rev() {
        assert_eq!(handle.get().unwrap(), n * n);
    }
    rig.end();
}

fn hammer(pool: &Pool, thread: u64, calls: u64) {
    let mut random = Random::new(thread);
    let mut handles: Vec<(u64, usize, Handle<Vec<u8>>)> = Vec::new();
    for n in 0..calls {
        let seed = thread << 32 | n;
        let (sent, wanted) = (random.size(20_000), random.size(20_000));
        let call = tasks::exchange::call(seed, payload::bytes(seed, sent), seed + 1, wanted);
        handles.push((seed + 1, wanted, pool.spawn(call).unwrap()));
        if random.below(3) == 0 {
            let (seed, len, handle) = handles.swap_remove(random.below(handles.len() as u64) as usize);
            payload::check(&handle.get().unwrap(), seed, len);
        }
    }
    for (seed, len, handle) in handles {
        payload::check(&handle.get().unwrap(), seed, len);
    }
}

/// Eight, with slots for all.
pub fn many_threads_share_a_pool() {
    let rig = Rig::new(2);
    thread::scope(|scope| {
        for n in 0..8 {
            let pool = &rig.pool;
            scope.spawn(move || hammer(pool, n, 150));
        }
    });
    rig.end();
}

/// Eight, with half as many slots.
pub fn many_threads_share_four_slots() {
    let rig = Rig::with(four_slots());
    thread::scope(|scope| {
        for n in 0..8 {
            let pool = &rig.pool;
            scope.spawn(move || hammer(pool, n, 150));
        }
    });
    rig.end();
}

/// Four, each with a thread of its own and one that uses all.
pub fn several_pools_work_at_once() {
    let rigs: Vec<Rig> = (1..=4).map(|n| Rig::with(builder().workers(n % 2 + 1).slots(4 * n))).collect();
    thread::scope(|scope| {
        for (n, rig) in (0..).zip(&rigs) {
            scope.spawn(move || hammer(&rig.pool, n, 50));
        }
        let mut handles = Vec::new();
        for n in 0..200 {
            handles.push((n, rigs[n as usize % 4].pool.spawn(tasks::square::call(n)).unwrap()));
        }
        for (n, handle) in handles.into_iter().rev() {
            assert_eq!(handle.get().unwrap(), n * n);
        }
    });
    rigs.into_iter().for_each(Rig::end);
}

/// A handle changes threads.
pub fn threads_spawn_while_others_drop_and_collect() {
    let rig = Rig::with(four_slots());
    let (send, receive) = std::sync::mpsc::sync_channel::<(u64, Handle<u64>)>(64);
    let (receive, collected) = (Mutex::new(receive), AtomicU64::new(0));
    thread::scope(|scope| {
        for thread in 0..4 {
            let (send, pool) = (send.clone(), &rig.pool);
            scope.spawn(move || {
                for n in 0..500 {
                    let n = thread * 1000 + n;
                    send.send((n, pool.spawn(tasks::square::call(n)).unwrap())).unwrap();
                }
            });
        }
        drop(send);
        for _ in 0..4 {
            let (receive, collected) = (&receive, &collected);
            scope.spawn(move || {
                loop {
                    let next = receive.lock().unwrap().recv();
                    let Ok((n, handle)) = next else { return };
                    match n % 4 {
                        0 => drop(handle),
                        1 => match handle.get_timeout(Duration::from_micros(50)) {
                            Ok(result) => assert_eq!(result.unwrap(), n * n),
                            Err(handle) => drop(handle),
                        },
                        _ => assert_eq!(handle.get().unwrap(), n * n),
                    }
                    collected.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(collected.into_inner(), 2000);
    rig.end();
}

/// Each call either gives its result or says `Closed`.
pub fn threads_spawn_while_the_pool_is_shut_down() {
    for _ in 0..5 {
        let pool = four_slots().build().unwrap();
        let (barrier, done) = (Barrier::new(5), AtomicU64::new(0));
        thread::scope(|scope| {
            for thread in 0..4 {
                let (pool, barrier, done) = (&pool, &barrier, &done);
                scope.spawn(move || {
                    barrier.wait();
                    for n in 0.. {
                        match pool.spawn(tasks::square::call(thread * 1000 + n)).and_then(Handle::get) {
                            Ok(square) => assert_eq!(square, (thread * 1000 + n).pow(2)),
                            Err(Error::Closed) => return,
                            Err(other) => panic!("{other:?}"),
                        }
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            barrier.wait();
            crate::watch::eventually("some calls are through", || done.load(Ordering::Relaxed) > 20);
            pool.shutdown();
        });
    }
}

/// Queued and running ones alike.
pub fn dropping_a_pool_finishes_what_was_accepted() {
    let pool = builder().workers(2).build().unwrap();
    let handles: Vec<_> = (0..20).map(|n| pool.spawn(tasks::nap::call(n)).unwrap()).collect();
    drop(pool);
    for (n, handle) in (0..).zip(handles) {
        assert_eq!(handle.get().unwrap(), n);
    }
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! sharing_scenes {
    ($($then:tt)*) => {
        $($then)*! { sharing:
            one_thread_with_four_slots_starts_any_number_of_calls
            a_task_on_four_slots_gives_its_results_in_order
            handles_are_collected_in_reverse_dropped_and_forgotten
            many_threads_share_a_pool
            many_threads_share_four_slots
            several_pools_work_at_once
            threads_spawn_while_others_drop_and_collect
            threads_spawn_while_the_pool_is_shut_down
            dropping_a_pool_finishes_what_was_accepted
        }
    };
}
