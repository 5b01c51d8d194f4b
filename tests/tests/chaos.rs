//! Every call settles exactly once, whoever is killed meanwhile.
//!
//! `MULTICORE_CHAOS_KILLS` is how many kills (60), `MULTICORE_CHAOS_SEED` what a run before used. `cargo
//! endure chaos` does the same at length.

use multicore_tests::endure::chaos::chaos;
use multicore_tests::endure::plan::{now, variable};
use multicore_tests::watch::within;

#[test]
fn every_call_settles_once_while_processes_are_killed() {
    let kills = variable("MULTICORE_CHAOS_KILLS").unwrap_or(60);
    let seed = variable("MULTICORE_CHAOS_SEED").unwrap_or_else(now);
    println!("MULTICORE_CHAOS_SEED={seed} repeats this");
    let tally = within(120 + kills / 5, || chaos(kills, seed));
    println!("{tally:?}");
    assert!(tally.holds(), "{tally:?}");
}
