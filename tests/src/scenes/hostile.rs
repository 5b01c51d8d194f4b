//! Workers that write over their pool's region: calls may fail, and every one settles; the client neither
//! crashes nor hangs, and the pool works again.
//!
//! While one forges, another's answer may be any: it shares the region. So what is checked meanwhile is that
//! every call settles, and afterwards that every answer is right.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;
use std::time::Duration;

use multicore::{Borrowed, Handle, Pool, Result};

use crate::hostile::{FORGERIES, forge};
use crate::payload::{self, Random};
use crate::tasks;
use crate::watch::within;

const SLOTS: usize = 8;
const WORKERS: usize = 3;
const WINDOW: usize = 64 << 10;
const THREADS: u64 = 3;
/// How long one forges.
const MILLISECONDS: u64 = 15;

fn pool() -> Pool {
    let pool = Pool::builder().workers(WORKERS).slots(SLOTS).payload_limit(WINDOW as u64);
    pool.grace(Duration::from_millis(50)).build().expect("a pool")
}

/// Each forgery once.
pub fn every_forged_field_settles_every_call() {
    side_by_side(FORGERIES.len() as u64, |seed| round(seed as usize, seed));
}

/// So many rounds, each with a forgery that its seed says.
pub fn random_rounds(first: u64, rounds: u64) {
    side_by_side(rounds, |n| {
        let seed = first.wrapping_add(n);
        round(Random::new(seed).below(FORGERIES.len() as u64) as usize, seed);
    });
}

/// A few at a time, because most of a round is waiting.
fn side_by_side(rounds: u64, round: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                std::iter::repeat_with(|| next.fetch_add(1, Relaxed))
                    .take_while(|n| *n < rounds)
                    .for_each(&round);
            });
        }
    });
}

/// A pool, clients, and a worker that forges: every call settles, and the pool works again.
fn round(which: usize, seed: u64) {
    let name = FORGERIES[which].0;
    let pool = pool();
    within(60, || {
        let over = AtomicBool::new(false);
        let tallies: Vec<Tally> = thread::scope(|scope| {
            let clients: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (pool, over) = (&pool, &over);
                    scope.spawn(move || client(pool, &mut Random::new(seed ^ thread << 32), over))
                })
                .collect();
            let forged = forge::call((SLOTS, WORKERS, WINDOW), which, seed, MILLISECONDS, seed % 2 == 1);
            let _ = pool.spawn(forged.retries(1).timeout(Duration::from_secs(5))).and_then(Handle::get);
            over.store(true, Relaxed);
            clients.into_iter().map(|client| client.join().expect("a client")).collect()
        });
        let mut rounds = 1;
        while !is_well(&pool) {
            rounds += 1;
        }
        let sum = |part: fn(&Tally) -> u64| tallies.iter().map(part).sum::<u64>();
        println!(
            "{name}, seed {seed}: {} calls settled, {} of them failed; well at look {rounds}",
            sum(|tally| tally.settled),
            sum(|tally| tally.failed)
        );
    });
}

#[derive(Default)]
struct Tally {
    settled: u64,
    failed: u64,
}

impl Tally {
    /// Waits for a call, whatever becomes of it.
    fn settle<R: 'static>(&mut self, handle: Result<Handle<R>>) {
        self.failed += u64::from(handle.and_then(Handle::get).is_err());
        self.settled += 1;
    }
}

/// Calls of every kind, all of which settle.
fn client(pool: &Pool, random: &mut Random, over: &AtomicBool) -> Tally {
    let mut tally = Tally::default();
    while !over.load(Relaxed) {
        let bytes = payload::bytes(random.below(9), random.size(WINDOW as u64 / 2));
        let number = random.number() >> 33;
        let numbers: Vec<_> =
            (0..random.below(3)).map(|n| pool.spawn(tasks::square::call(number + n))).collect();
        let job = pool.background(tasks::square::call(number).priority(random.below(15) as i8 - 7));
        let raw = pool.spawn(tasks::echo_raw::call(bytes));
        let listed = pool.spawn(tasks::echo::call(bytes).retries(1));
        // Whose argument may be forged: without a limit it would sleep for as long as that says.
        let nap = |n| pool.spawn(tasks::nap::call(n).timeout(Duration::from_millis(20)));
        let (timed, unwanted) = (nap(random.below(3)), nap(random.below(3)));
        match random.below(3) {
            0 => unwanted.iter().for_each(Handle::cancel),
            1 => drop(pool.spawn(tasks::shout::call("nobody hears it"))),
            _ => {}
        }
        let lent = pool.spawn(tasks::hand_back::call(bytes)).and_then(Handle::get_ref);
        if let Ok(job) = &job {
            let _ = (job.state(), job.progress(), job.timestamps());
            let found = multicore::find(job.id()).is_some_and(|found| found.id() == job.id());
            assert!(found || job.state().is_finished(), "only a forged end of long ago is forgotten");
        }
        tally.failed += u64::from(!job.is_ok_and(|job| matches!(job.get(), Some(Ok(_)))));
        tally.settled += 1;
        tally.settle(raw);
        tally.settle(listed);
        numbers.into_iter().chain([timed, unwanted]).for_each(|handle| tally.settle(handle));
        // Nonsense, perhaps, and no more than that.
        let _ = pool.stats().to_string();
        tally.failed += u64::from(lent.and_then(Borrowed::into_owned).is_err());
        tally.settled += 1;
    }
    tally
}

/// Whether the pool answers rightly, also once somebody has waited long enough to look at everything.
fn is_well(pool: &Pool) -> bool {
    let long = pool.spawn(tasks::nap::call(350)).and_then(Handle::get);
    let handles: Vec<_> = (0..4 * SLOTS as u64).map(|n| pool.spawn(tasks::square::call(n))).collect();
    let right =
        |(n, handle): (u64, Result<Handle<u64>>)| handle.and_then(Handle::get).is_ok_and(|v| v == n * n);
    let job = pool.background(tasks::square::call(7)).ok().and_then(|job| job.get());
    let right: Vec<bool> = (0..).zip(handles).map(right).collect();
    let jobs_go_on = matches!(job, Some(Ok(49)));
    jobs_go_on && long.is_ok_and(|n| n == 350) && right.into_iter().all(|right| right)
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! hostile_scenes {
    ($($then:tt)*) => {
        $($then)*! { hostile:
            every_forged_field_settles_every_call
        }
    };
}
