//! Workers of bad will: every call settles, and the pool works again.
//!
//! `MULTICORE_HOSTILE_ROUNDS` is how many random rounds there are (8), `MULTICORE_HOSTILE_SEED` what a run
//! before used.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use multicore_tests::scenes::hostile;
use multicore_tests::watch::within;

multicore_tests::hostile_scenes!(multicore_tests::both);

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn random_forgeries_settle_every_call() {
    let rounds = variable("MULTICORE_HOSTILE_ROUNDS").unwrap_or(8);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
    let seed = variable("MULTICORE_HOSTILE_SEED").unwrap_or_else(now);
    println!("MULTICORE_HOSTILE_SEED={seed} repeats this");
    within(60 + rounds * 10, || hostile::random_rounds(seed, rounds));
}
