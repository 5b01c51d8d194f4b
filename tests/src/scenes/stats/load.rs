//! Statistics that are read while calls of every kind come and go, and workers are killed.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;

use multicore::{Call, Error, Pool, Stats};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{begun, numbers};
use crate::payload::Random;
use crate::procfs;
use crate::rig::with_pool;
use crate::tasks;
use crate::watch::eventually;

/// What one thread saw of its calls.
#[derive(Default)]
struct Seen {
    done: u64,
    panicked: u64,
    died: u64,
    cancelled: u64,
    detached: u64,
}

impl Seen {
    fn all(&self) -> u64 {
        self.done + self.panicked + self.died + self.cancelled + self.detached
    }

    fn settle(&mut self, result: multicore::Result<u64>) {
        *match result {
            Ok(_) => &mut self.done,
            Err(Error::Panicked { .. }) => &mut self.panicked,
            Err(Error::Died { .. }) => &mut self.died,
            Err(Error::Cancelled { .. }) => &mut self.cancelled,
            Err(other) => panic!("{other:?}"),
        } += 1;
    }
}

/// How many calls were begun to be made, and how many were made.
#[derive(Default)]
struct Made {
    at_most: AtomicU64,
    at_least: AtomicU64,
}

/// Calls of every kind until it is over, a few at a time.
fn load(pool: &Pool, seed: u64, made: &Made, over: &AtomicBool) -> Seen {
    let (mut random, mut seen) = (Random::new(seed), Seen::default());
    let send = |call: Call<'_, u64>| {
        made.at_most.fetch_add(1, SeqCst);
        let handle = pool.spawn(call).unwrap();
        made.at_least.fetch_add(1, SeqCst);
        handle
    };
    while !over.load(SeqCst) {
        let numbers = 0..1 + random.below(30);
        let short: Vec<_> = numbers.map(|n| send(tasks::square::call(n))).collect();
        let (panics, retried) = (send(tasks::panic_literal::call()), send(tasks::nap::call(1).retries(9)));
        let unwanted = send(tasks::nap::call(random.below(3)));
        unwanted.cancel();
        drop(send(if random.below(2) == 0 { tasks::square::call(1) } else { tasks::panic_literal::call() }));
        seen.detached += 1;
        let handles = short.into_iter().chain([panics, retried, unwanted]);
        handles.for_each(|handle| seen.settle(handle.get()));
    }
    seen
}

/// That nothing of what has ended is less than before, and that it all adds up.
fn check(earlier: &Stats, later: &Stats) {
    let ended = |stats: &Stats| numbers(stats.calls)[2..].to_vec();
    let fell = ended(earlier).into_iter().zip(ended(later)).any(|(before, after)| after < before);
    assert!(!fell, "{earlier}\n{later}");
    assert!(later.calls.accepted() >= earlier.calls.accepted());
    assert_eq!(numbers(later.calls).iter().sum::<u64>(), later.calls.accepted());
    assert!(later.bytes_sent >= earlier.bytes_sent && later.bytes_received >= earlier.bytes_received);
    assert!(later.run_time.count() >= earlier.run_time.count());
    for (before, after) in earlier.workers.iter().zip(&later.workers) {
        assert!(after.calls >= before.calls && after.busy >= before.busy, "{earlier}\n{later}");
        assert!(after.busy <= later.elapsed, "{later}");
    }
}

/// Four threads call, workers are killed, and every look adds up; in the end it is what the threads saw.
pub fn every_look_adds_up_while_workers_are_killed() {
    with_pool(|rig| {
        let supervisor = rig.supervisor();
        let (pool, made, over, before) =
            (&rig.pool, Made::default(), AtomicBool::new(false), rig.pool.stats());
        let kills = if cfg!(debug_assertions) { 30 } else { 150 };
        let seen: Vec<Seen> = thread::scope(|scope| {
            let (made, over) = (&made, &over);
            let clients: Vec<_> = (1..5).map(|n| scope.spawn(move || load(pool, n, made, over))).collect();
            let reader = scope.spawn(|| {
                let mut last = before.clone();
                while !over.load(SeqCst) {
                    let least = made.at_least.load(SeqCst);
                    let stats = pool.stats();
                    let most = made.at_most.load(SeqCst);
                    let accepted = stats.since(&before).calls.accepted();
                    assert!((least..=most).contains(&accepted), "{least} {accepted} {most}");
                    check(&last, &stats);
                    last = stats;
                }
            });
            let mut random = Random::new(99);
            for _ in 0..kills {
                let mut workers = Vec::new();
                eventually("there is one to kill", || {
                    workers = procfs::children(supervisor.pid);
                    !workers.is_empty()
                });
                let worker = &workers[random.below(workers.len() as u64) as usize];
                let _ = kill(Pid::from_raw(worker.pid), Signal::SIGKILL);
                let calls = pool.stats().calls.settled();
                eventually("calls go on", || {
                    pool.stats().calls.settled() > calls + 20 || reader.is_finished()
                });
            }
            over.store(true, SeqCst);
            reader.join().expect("every look adds up");
            clients.into_iter().map(|client| client.join().expect("a client")).collect()
        });
        let sum = |part: fn(&Seen) -> u64| seen.iter().map(part).sum::<u64>();
        let mut stats = pool.stats().since(&before);
        eventually("the detached ones have ended", || {
            stats = pool.stats().since(&before);
            stats.calls.settled() == stats.calls.accepted()
        });
        let calls = stats.calls;
        assert_eq!(calls.accepted(), sum(Seen::all));
        assert_eq!(calls.cancelled, sum(|seen| seen.cancelled));
        assert_eq!((calls.failed, calls.timed_out, calls.lost), (0, 0, 0));
        let more = [calls.done, calls.panicked, calls.died];
        let least = [sum(|seen| seen.done), sum(|seen| seen.panicked), sum(|seen| seen.died)];
        assert!(more.iter().zip(least).all(|(more, least)| *more >= least), "{more:?} {least:?}");
        assert_eq!(more.iter().sum::<u64>(), least.iter().sum::<u64>() + sum(|seen| seen.detached));
        assert!(begun(&stats) >= calls.accepted() - calls.cancelled, "each that ended of itself began");
        assert!(stats.restarts.died >= calls.died && stats.restarts.died > 0);
    });
}
