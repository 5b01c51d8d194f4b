//! A worker that writes over all that it can reach.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use multicore::{Error, Pool, Sandbox};
use multicore_tests::payload::{self, Random};
use multicore_tests::rig::Rig;
use multicore_tests::{tasks, wild};

use crate::{Calls, outcome, seed, with_rig};

/// Bytes of the private region that a scribble may hit: all before the windows, and the start of those.
const REACH: u64 = 24 << 10;

/// Writes what it likes over all that it shares with anybody, and then ends in one way or another.
#[multicore::task]
fn scribble(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let small = random.below(2) == 0;
    for _ in 0..1 + random.below(if small { 4 } else { 4000 }) {
        let value = match random.below(4) {
            0 => random.number(),
            1 => random.below(16),
            2 => 1 << random.below(64),
            // A state word of a generation that may be the right one.
            _ => random.below(8) << 32 | random.below(256),
        };
        wild::scribble(8 * random.below(REACH / 8) as usize, value);
    }
    match random.below(8) {
        0 => std::process::abort(),
        1 => tasks::nap(600_000),
        _ => seed,
    }
}

/// In a worker that somebody scribbled over it ends, or answers rightly: no other call is touched.
#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_worker_that_scribbles_over_all_it_can_reach_costs_its_own_calls_alone() {
    let seed = seed("MULTICORE_SCRIBBLE_SEED");
    let config = Pool::builder().workers(3).slots(12).sandbox(Sandbox::new());
    with_rig(config, |rig| {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let honest: Vec<_> = (0..2)
                .map(|thread| {
                    let over = &over;
                    scope.spawn(move || work_honestly(rig, seed ^ thread, over))
                })
                .collect();
            let _end = End(&over);
            let mut ends = Calls::new();
            for round in 0..200 {
                let call = scribble::call(seed.wrapping_add(round)).timeout(Duration::from_millis(50));
                let end = match outcome(rig, call) {
                    Ok(_) => 0,
                    Err(Error::Died { .. }) => 1,
                    Err(Error::TimedOut { .. }) => 2,
                    // It wrote its own outcome: all that a worker's report can say.
                    Err(
                        Error::Panicked { .. }
                        | Error::Encode { .. }
                        | Error::Decode { .. }
                        | Error::TooLarge { .. }
                        | Error::Os { .. }
                        | Error::UnknownTask { .. }
                        | Error::Cancelled { .. },
                    ) => 3,
                    Err(other) => panic!("round {round}: {other:?}"),
                };
                *ends.entry(end).or_default() += 1;
            }
            over.store(true, Relaxed);
            let made: u64 = honest.into_iter().map(|thread| thread.join().unwrap()).sum();
            println!("ends {ends:?}, {made} honest calls");
            assert!(ends.len() >= 3 && made > 200, "{ends:?} {made}");
        });
    });
}

/// Whatever becomes of the scribbling, the others are not waited for in vain.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// How many honest calls each thread makes, however little of the machine it has.
const LEAST: u64 = 104;

/// Calls whose results are checked, each a value that only it can have; how many.
fn work_honestly(rig: &Rig, seed: u64, over: &AtomicBool) -> u64 {
    let mut random = Random::new(seed);
    let mut made = 0;
    while !over.load(Relaxed) || made < LEAST {
        let calls = [(); 4].map(|()| (random.number(), random.size(100_000), random.size(100_000)));
        let handles = calls.map(|(seed, sent, wanted)| {
            let call = tasks::exchange::call(seed, payload::bytes(seed, sent), !seed, wanted);
            rig.pool.spawn(call).unwrap()
        });
        for ((seed, _, wanted), handle) in calls.into_iter().zip(handles) {
            payload::check(&handle.get().unwrap(), !seed, wanted);
            made += 1;
        }
    }
    made
}
