//! Payloads of more than 1 GiB, through the path of all others; and as much of shared data.

use multicore::Shared;
use multicore_tests::rig::with_pool;
use multicore_tests::tasks;
use multicore_tests::watch::within;

const LEN: usize = (1 << 30) + 12_345;

#[test]
#[ignore = "needs 3 GiB of memory; `cargo soak` runs it"]
fn an_argument_and_a_result_of_more_than_a_gibibyte_travel() {
    within(600, || {
        with_pool(|rig| {
            let argument = vec![7; LEN];
            assert_eq!(rig.pool.spawn(tasks::length::call(&argument)).unwrap().get().unwrap(), LEN as u64);
            drop(argument);
            let result = rig.pool.spawn(tasks::zeroes::call(LEN)).unwrap().get().unwrap();
            assert_eq!(result.len(), LEN);
            assert!(result.iter().step_by(4096).all(|byte| *byte == 0));
        });
    });
}

#[test]
#[ignore = "needs 2 GiB of memory; `cargo soak` runs it"]
fn more_than_a_gibibyte_is_shared() {
    within(600, || {
        with_pool(|rig| {
            let data = Shared::from_fn(LEN, |n| n as u8).unwrap();
            let expected: u64 = data.iter().map(|byte| u64::from(*byte)).sum();
            let sums = multicore::par_ranges!(data, sum, pool = &rig.pool).unwrap();
            assert_eq!(sums.iter().sum::<u64>(), expected);
            assert_eq!(rig.pool.spawn(tasks::length::call(&data)).unwrap().get().unwrap(), LEN as u64);
        });
    });
}

#[multicore::task]
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}
