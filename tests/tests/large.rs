//! Payloads of more than 1 GiB, through the path of all others.

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
