//! Many calls with random sizes; a failure prints the seed that repeats it.
//!
//! `MULTICORE_SOAK_CALLS` is how many (2,000), `MULTICORE_SOAK_SEED` what a run before used.

use std::collections::VecDeque;
use std::env;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use multicore::{Handle, Pool};
use multicore_tests::belongings::Belongings;
use multicore_tests::payload::{self, Random};
use multicore_tests::rig::Rig;
use multicore_tests::tasks;
use multicore_tests::watch::within;

const THREADS: u64 = 4;

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// What a thread waits for: the result's seed and length.
type Expected = (u64, usize, Handle<Vec<u8>>);

/// One client thread: calls on either pool, results checked in the order of the calls.
fn client(pools: [&Pool; 2], seed: u64, calls: u64) {
    let mut random = Random::new(seed);
    let mut pending: VecDeque<Expected> = VecDeque::new();
    let collect = |(seed, len, handle): Expected| payload::check(&handle.get().unwrap(), seed, len);
    for n in 0..calls {
        let (argument, result) = (random.number(), random.number());
        let (sent, wanted) = (random.size(payload::MOST as u64), random.size(payload::MOST as u64));
        let call = tasks::exchange::call(argument, payload::bytes(argument, sent), result, wanted);
        let handle = pools[(random.below(2)) as usize].spawn(call).unwrap();
        pending.push_back((result, wanted, handle));
        // Now and then many are under way before the first is collected.
        let most = if n % 500 < 100 { 100 } else { 1 + random.below(8) as usize };
        while pending.len() > most {
            pending.pop_front().map(collect);
        }
    }
    pending.into_iter().for_each(collect);
}

#[test]
fn every_result_is_right_and_in_order() {
    let calls = variable("MULTICORE_SOAK_CALLS").unwrap_or(2000);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
    let seed = variable("MULTICORE_SOAK_SEED").unwrap_or_else(now);
    println!("MULTICORE_SOAK_SEED={seed} repeats this");
    let small = || Rig::with(Pool::builder().workers(2).slots(8));
    within(120 + calls / 20, || {
        small().end();
        let before = Belongings::now();
        let rigs = [small(), Rig::new(2)];
        let pools = [&rigs[0].pool, &rigs[1].pool];
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || client(pools, seed.wrapping_add(thread << 32), calls / THREADS));
            }
        });
        rigs.into_iter().for_each(Rig::end);
        assert_eq!(Belongings::now(), before);
    });
}
