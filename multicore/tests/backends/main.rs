//! One list of checks, run on every backend that this build has: the same tasks, the same answers.
//!
//! A check is a function of a [`Stage`]. Where a backend differs, the check says by how much; what has no meaning
//! on one of them is in a list of its own. Run once more for a system without processes: `cargo elsewhere`.

mod awaits;
mod background;
mod calls;
mod default_pool;
mod errors;
mod groups;
mod life;
mod maps;
mod missing;
mod refusals;
mod resources;
mod shared;
mod stage;
mod tasks;
mod values;

/// Makes a test of each check, on each backend of this list.
macro_rules! on {
    ([$($(#[$when:meta])* $backend:ident: $Backend:ident),*] $checks:tt) => {
        $($(#[$when])* mod $backend {
            on! { @each $Backend $checks }
        })*
    };
    (@each $Backend:ident { $($module:ident: $($check:ident)*;)* }) => {
        $(mod $module {
            $(#[test]
            fn $check() {
                crate::stage::on(multicore::Backend::$Backend, crate::$module::$check);
            })*
        })*
    };
}

mod every {
    on! { [#[cfg(processes)] processes: Processes, #[cfg(threads)] threads: Threads, inline: Inline] {
        values:
            every_kind_of_value_travels
            arguments_are_borrowed
            every_codec_carries_what_it_can
            payloads_of_every_size_travel
            large_results_can_be_read_where_they_are
            a_payload_over_the_limit_is_an_error;
        errors:
            the_users_own_error_is_a_value
            an_error_that_cannot_travel_arrives_as_text
            a_panic_is_told_with_its_place
            what_does_not_encode_is_an_error
            what_does_not_decode_is_an_error
            a_panic_in_the_users_own_serialize_costs_nothing;
        calls:
            a_handle_gives_the_result_once_it_is_there
            more_calls_than_slots_can_be_started_before_one_is_collected
            many_threads_use_one_pool
            a_dropped_handle_detaches_its_call
            calls_that_a_task_makes_run_inside_of_it
            what_is_no_call_is_not_cancelled;
        awaits:
            handles_and_groups_are_awaited
            room_is_awaited;
        background:
            a_priority_that_there_is_not_is_an_error
            a_job_is_found_and_its_result_is_there_once;
        groups:
            a_task_gives_its_results_in_order
            a_task_gives_the_first_error_in_order
            a_task_takes_more_calls_than_there_are_slots
            par_ranges_takes_every_shape_and_option
            par_ranges_gives_the_first_error_in_order;
        maps:
            a_map_gives_results_in_order_and_is_lazy
            an_unordered_map_gives_every_result
            handles_are_joined;
        shared:
            shared_data_travels_in_every_way
            shared_data_outlives_its_owner_until_the_call_is_over;
        life:
            a_pool_says_what_it_is
            two_pools_mix_nothing_up
            a_closed_pool_refuses_and_its_results_can_be_collected
            a_dropped_pool_finishes_what_it_accepted;
        refusals:
            options_that_do_not_go_with_the_backend_are_errors
            calls_that_need_a_process_are_refused_without;
        resources:
            a_value_is_kept_from_call_to_call_and_closed_at_the_end
            what_a_failed_call_borrowed_is_checked
            a_value_of_age_zero_is_for_one_call
            values_end_in_reverse_order_and_with_what_they_need
            the_clients_own_threads_are_refused_unless_it_may;
        default_pool:
            the_default_pool_runs_on_it;
    } }
}

mod with_workers {
    on! { [#[cfg(processes)] processes: Processes, #[cfg(threads)] threads: Threads] {
        calls:
            get_timeout_gives_the_handle_back_and_the_call_goes_on
            a_full_pool_waits_until_a_call_is_over
            a_queued_call_that_is_cancelled_never_runs
            a_running_call_that_is_cancelled_is_cancelled
            an_abort_on_drop_asks_its_call_to_end;
        awaits:
            who_awaits_room_stands_in_line;
        background:
            higher_priorities_come_first
            jobs_keep_no_call_waiting
            a_handle_tells_how_far_its_call_has_come;
        groups:
            a_task_comes_back_when_the_time_is_up
            a_cancelled_task_gives_what_became_of_each_call;
        maps:
            what_is_not_finished_in_time_comes_back
            a_dropped_map_cancels_what_is_under_way;
        life:
            hooks_run_once_for_each_worker
            the_state_of_a_pool_says_what_each_worker_does
            the_statistics_count_every_call_once
            a_pool_that_cannot_finish_in_time_closes_its_calls;
        resources:
            each_worker_has_one_and_counts_its_uses;
        default_pool:
            try_spawn_on_a_full_pool_hands_the_call_back;
    } }
}

mod inside {
    on! { [inline: Inline] {
        resources:
            each_thread_that_calls_has_its_own;
    } }
}

#[cfg(feature = "stream")]
mod streamed {
    on! { [#[cfg(processes)] processes: Processes, #[cfg(threads)] threads: Threads, inline: Inline] {
        awaits:
            a_map_is_a_stream;
    } }
}

#[cfg(threads)]
mod on_threads {
    on! { [threads: Threads] {
        life:
            a_task_can_end_its_own_pool;
    } }
}
