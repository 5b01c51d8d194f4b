//! What CPython's tests of `concurrent.futures` check and has a meaning here, one idea a file.
//!
//! Each scene names the test that it answers. `tests/tests/futures.rs` lists those that others answer, and
//! those that have no meaning here.

mod completed;
mod crashes;
mod freed;
mod hooks;
mod map;
mod shutdown;
mod wait;
mod workers;

use std::time::Duration;

pub use self::completed::*;
pub use self::crashes::*;
pub use self::freed::*;
pub use self::hooks::*;
pub use self::map::*;
pub use self::shutdown::*;
pub use self::wait::*;
pub use self::workers::*;

/// Far longer than a test takes.
const LONG: Duration = Duration::from_secs(600);
/// Some calls do not end in it.
const SHORT: Duration = Duration::from_millis(30);

fn open(gate: &str) {
    std::fs::write(gate, "").unwrap();
}

/// Waits for a file, and panics.
#[multicore::task]
fn wait_and_panic(path: &str) {
    super::short::wait_for(path);
    panic!("after the gate");
}

/// Waits for a file, and aborts.
#[multicore::task]
fn wait_and_abort(path: &str) {
    super::short::wait_for(path);
    std::process::abort();
}

/// The scenes of this folder, given to a macro.
#[macro_export]
macro_rules! futures_scenes {
    ($($then:tt)*) => {
        $($then)*! { futures:
            results_before_an_error_come_and_those_behind_it_too
            a_map_goes_on_past_a_call_whose_time_is_up
            several_sources_make_one_of_calls
            a_map_of_nothing_is_empty_and_one_at_a_time_is_the_least
            a_panic_comes_with_its_backtrace
            no_time_at_all_is_enough_for_what_is_settled
            of_several_that_are_finished_one_is_selected
            the_first_error_is_found_while_others_run
            an_error_of_before_is_found_at_once
            whatever_may_become_of_calls_is_joined
            whatever_became_of_calls_each_comes_once
            what_is_settled_comes_though_there_is_no_time
            an_argument_is_let_go_once_its_call_is_sent
            a_worker_keeps_nothing_of_a_call_that_is_over
            iterators_keep_no_result_that_they_gave
            calls_that_wait_make_no_process
            calls_one_after_another_run_in_the_workers_that_are_there
            each_call_has_a_worker_of_its_own_where_one_is_all_that_it_may_have
            calls_of_killed_workers_have_each_an_error_of_its_own
            a_process_that_ends_while_it_decodes_arguments_costs_that_call
            a_process_that_ends_while_it_encodes_a_result_costs_that_call
            crashes_with_large_data_settle_every_call
            a_start_hook_runs_once_in_each_worker
            a_start_hook_that_fails_stops_the_pool_and_nobody_hangs
            a_start_hook_that_fails_later_stops_the_pool_and_nobody_hangs
            calls_that_are_cancelled_hold_no_shutdown_up
            a_call_cancelled_right_before_shutdown_is_settled
            a_pool_is_shut_down_right_behind_its_calls
            a_worker_that_dies_during_shutdown_costs_its_call_alone
            a_call_that_cannot_be_sent_is_not_waited_for
            workers_are_replaced_during_shutdown_for_what_was_accepted
            an_error_beside_workers_of_one_call_is_no_hindrance_to_shutdown
            a_pool_that_waits_for_nobody_ends_its_workers_at_once
        }
    };
}
