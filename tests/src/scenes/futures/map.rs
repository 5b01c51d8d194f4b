//! Maps: what comes before an error, time limits, sources.

use multicore::{Error, Result};

use super::LONG;
use crate::rig::{builder, with_pool};
use crate::tasks::{nap, square};

/// With the remainder; panics where there is no answer.
#[multicore::task]
fn divide(dividend: u64, divisor: u64) -> (u64, u64) {
    (dividend / divisor, dividend % divisor)
}

/// A power.
#[multicore::task]
fn power(base: u64, exponent: u32) -> u64 {
    base.pow(exponent)
}

/// `test_map_exception` of CPython's `ExecutorTest`. In older Pythons the map is over with the first error; here that
/// is what collecting makes of it.
pub fn results_before_an_error_come_and_those_behind_it_too() {
    with_pool(|rig| {
        let calls = || [2, 3, 0, 5].map(|divisor| divide::call(1, divisor));
        let mut results = rig.pool.map(calls());
        assert_eq!(results.next().unwrap().unwrap(), (0, 1));
        assert_eq!(results.next().unwrap().unwrap(), (0, 1));
        let error = results.next().unwrap().unwrap_err();
        let Error::Panicked { message, location: Some(location), .. } = &error else { panic!("{error:?}") };
        assert_eq!(message, "attempt to divide by zero");
        assert!(location.contains("futures/map.rs:"), "{location}");
        assert_eq!(results.next().unwrap().unwrap(), (0, 1));
        assert!(results.next().is_none());

        let error = rig.pool.map(calls()).collect::<Result<Vec<_>>>().unwrap_err();
        assert!(matches!(error, Error::Panicked { .. }), "{error:?}");
    });
}

/// `test_map_timeout` of CPython's `ExecutorTest`. There the whole map has the limit, here each of its calls; and
/// the call ends.
pub fn a_map_goes_on_past_a_call_whose_time_is_up() {
    with_pool(|rig| {
        let limit = |milliseconds| if milliseconds == 0 { LONG } else { super::SHORT };
        let calls = [0, 0, 600_000, 0].map(|n| nap::call(n).timeout(limit(n)));
        let results: Vec<_> = rig.pool.map(calls).collect();
        assert!(matches!(results[..], [Ok(0), Ok(0), Err(Error::TimedOut { .. }), Ok(0)]), "{results:?}");
    });
}

/// `test_map` of CPython's `ExecutorTest` and `test_map_buffersize_on_multiple_iterables`: the shortest source
/// ends it.
pub fn several_sources_make_one_of_calls() {
    with_pool(|rig| {
        let calls = (0..).zip(0..10).map(|(base, exponent)| power::call(base, exponent));
        let powers: Vec<u64> = rig.pool.map(calls).collect::<Result<_>>().unwrap();
        assert_eq!(powers, (0..10).map(|n| u64::from(n).pow(n)).collect::<Vec<_>>());
    });
}

/// `test_map_buffersize_on_empty_iterable` and `test_map_buffersize_value_validation` of CPython's `ExecutorTest`:
/// none under way at all would be no map.
pub fn a_map_of_nothing_is_empty_and_one_at_a_time_is_the_least() {
    with_pool(|rig| {
        let nothing = || std::iter::empty::<u64>().map(square::call);
        assert!(rig.pool.map(nothing()).next().is_none());
        assert!(rig.pool.map_unordered(nothing()).next().is_none());
        for in_flight in [0, 1, usize::MAX] {
            let squares = rig.pool.map((0..20).map(square::call)).in_flight(in_flight);
            assert_eq!(squares.map(Result::unwrap).sum::<u64>(), 2470);
        }
    });
}

/// `test_traceback` of CPython's `ProcessPoolExecutorTest`: where in the worker it went wrong, if the worker's
/// variables ask for it.
pub fn a_panic_comes_with_its_backtrace() {
    let pool = builder().workers(1).env("RUST_BACKTRACE", "1").build().unwrap();
    let error = pool.spawn(divide::call(1, 0)).unwrap().get().unwrap_err();
    let Error::Panicked { backtrace: Some(backtrace), .. } = &error else { panic!("{error:?}") };
    assert!(backtrace.contains("divide"), "{backtrace}");
}
