//! What CPython's tests of `concurrent.futures` check, as far as it has a meaning for a pool of processes here; by
//! every start method and handed out.
//!
//! Each scene of [`futures`](multicore_tests::scenes::futures) says which test it answers. Those that others answer:
//!
//! | CPython's test | answered by |
//! |---|---|
//! | `test_submit`, `test_run_after_shutdown` | `calling::a_handle_gives_the_result_once_it_is_there`, `calling::a_closed_pool_refuses_and_its_results_can_be_collected` |
//! | `test_map`, `test_map_buffersize` | `mapped::results_come_in_the_order_of_the_calls` |
//! | `test_map_buffersize_on_infinite_iterable`, `test_map_buffersize_when_buffer_is_full` | `mapped::an_endless_source_is_taken_from_as_results_are_wanted` |
//! | `test_map_close` | `mapped::a_dropped_map_cancels_what_is_queued` |
//! | `test_map_chunksize` | `par::options_set_the_number_and_the_least_size_of_chunks`, `par::options_that_make_no_sense_are_errors`; calls of a map are not cut into chunks |
//! | `test_max_workers_negative`, `test_max_workers_too_large` | `config::a_bad_option_is_an_error_that_names_it` |
//! | `test_killed_child` | `deaths::a_killed_worker_costs_its_call_alone`; there it breaks the pool |
//! | `test_traceback_when_child_process_terminates_abruptly`, `test_exit_during_func_exec_on_worker` | `faults::an_exit_is_told_with_its_code` |
//! | `test_crash_during_func_exec_on_worker` | `faults::a_bad_store_is_told_as_sigsegv` |
//! | `test_error_during_func_exec_on_worker` | `faults::a_panic_is_reported_with_message_and_place`, `calling::a_result_of_the_users_own_is_a_value` |
//! | `test_error_at_task_pickle`, `test_error_at_task_unpickle`, `test_error_during_result_pickle_on_worker`, `test_error_during_result_unpickle_in_result_handler` | `faults::what_cannot_be_encoded_or_decoded_is_an_error`, `faults::a_panic_while_encoding_or_decoding_is_an_error` |
//! | `test_max_tasks_per_child` | `limits::a_worker_is_replaced_after_so_many_calls`, `limits::recycling_under_load_loses_nothing` |
//! | `test_terminate_workers`, `test_kill_workers` | `calling::a_pool_that_cannot_finish_in_time_closes_its_calls` |
//! | `test_hang_issue12364`, `test_del_shutdown`, `test_context_manager_shutdown` | `sharing::dropping_a_pool_finishes_what_was_accepted`; the end of each process: `calling::a_handle_gives_the_result_once_it_is_there`, as every scene with a `Rig` |
//! | `test_interpreter_shutdown`, `test_hang_gh83386` | `families::a_client_that_returns_from_main_leaves_nobody`; there the program waits for its calls, here it ends them |
//! | `test_submit_after_interpreter_shutdown` | `families::a_call_behind_the_end_of_its_pool_is_refused_and_leaves_nobody` |
//! | `FailingInitializerResourcesTest` | `config::a_start_hook_that_always_fails_is_given_up_on`, which looks for processes that are left |
//! | `test_first_completed` | `joined::select_first_gives_the_first_and_the_other_handles` |
//! | `test_timeout` | `joined::join_all_timeout_gives_what_finished_and_the_handles_of_what_did_not` |
//! | `test_pending_calls_race`, `test_result_with_success`, `test_exception_with_success` | `mapped::whoever_waits_for_any_is_woken`, `sharing::threads_spawn_while_others_drop_and_collect` |
//! | `test_20369`, `test_duplicate_futures` | `ui::handle_twice`: a handle is owned, so the same one twice does not compile |
//! | `test_cancel`, `test_cancelled` | `cancelled::a_queued_call_that_is_cancelled_never_runs`, `cancelled::a_running_call_that_is_cancelled_is_ended`; there what runs cannot be cancelled |
//! | `test_done_callback_*` | `awaits::an_await_gives_whatever_became_of_the_call`, `awaits::a_waker_that_panics_harms_nobody`: a waker is the callback here |
//! | `test_result_with_cancel` | `awaits::calls_that_are_cancelled_while_they_are_awaited_settle`; who waits by `get` has the handle, so nobody else can cancel by it |
//! | `test_running` | `limits::the_state_of_a_pool_says_what_each_worker_does` |
//! | `test_gh105829_should_not_deadlock_if_wakeup_pipe_full` | `sharing::one_thread_with_four_slots_starts_any_number_of_calls`; there is no pipe |
//!
//! And those that have no meaning here:
//!
//! | CPython's test | why |
//! |---|---|
//! | `test_submit_keyword` | no argument has a name, and the compiler counts them |
//! | `test_map_buffersize_type_validation`, `test_map_buffersize_without_iterable`, `test_force_shutdown_workers_invalid_op` | the compiler sees to types |
//! | `test_map_timeout_from_callable` | a time limit is `TimedOut`, which no function can return |
//! | `test_swallows_falsey_exceptions` | no error counts as false |
//! | `test_sysconf_permission_error` | there are no semaphores; `tests/refusals.rs` has what a sandbox may refuse |
//! | `test_max_tasks_per_child_defaults_to_spawn_context` | both start methods replace workers |
//! | `test_python_finalization_error` | sending a call starts no thread |
//! | `test_shutdown_no_wait` | `shutdown` waits; it can be called in a thread |
//! | `test_exit_during_result_unpickle_in_result_handler` | a result is decoded in the client, by whoever asks for it: what exits there ends the program |
//! | `test_multiple_set_result`, `test_multiple_set_exception`, `test_get_snapshot` | only a call settles a handle, once |
//! | `test_class_str` | it is about names of classes |
//! | `test_threads_terminate`, `test_thread_names_*`, `test_cancel_futures_wait_false` | they are about pools of threads |

use std::path::Path;

use multicore_tests::scenes;

multicore_tests::futures_scenes!(multicore_tests::in_every_way);

/// Whether there is a test or a scene that a table calls so: `list::scene`, `file::test` or `ui::program`.
fn exists(list: &str, name: &str) -> bool {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scene = format!("{list}::{name}");
    let test = std::fs::read_to_string(tests.join("tests").join(format!("{list}.rs"))).unwrap_or_default();
    scenes::all().iter().any(|(known, _)| *known == scene)
        || test.contains(&format!("#[test]\nfn {name}()"))
        || list == "ui" && tests.join("ui/fail").join(format!("{name}.rs")).exists()
}

#[test]
fn every_test_that_the_table_names_exists() {
    let rows = include_str!("futures.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
    let answers = rows.filter_map(|row| row.split(" | ").nth(1));
    let names: Vec<_> = answers
        .flat_map(|answer| answer.split('`').skip(1).step_by(2))
        .filter_map(|name| name.split_once("::"))
        .collect();
    assert!(names.len() > 30, "{names:?}");
    for (list, name) in names {
        assert!(exists(list, name), "no {list}::{name}");
    }
    assert!(!exists("mapped", "nothing") && !exists("ui", "nothing") && !exists("par", "nothing"));
}
