//! The bodies of tests that run under both start methods.
//!
//! Each list names its scenes once: the tests and the fixture program are made from it.

pub mod adapters;
pub mod alone;
pub mod awaits;
pub mod awaits_alone;
pub mod background;
pub mod borrowed;
pub mod calling;
pub mod cancelled;
pub mod deadlines;
pub mod deaths;
pub mod django;
pub mod ends;
pub mod faults;
pub mod forked;
pub mod forks_end;
pub mod futures;
pub mod hostile;
pub mod jobs;
pub mod joined;
pub mod kept;
pub mod limits;
pub mod map_reduce;
pub mod mapped;
pub mod queues;
pub mod resources;
pub mod resources_end;
pub mod shared;
pub mod sharing;
pub mod short;
pub mod sqlite;
pub mod start;
pub mod stats;
pub mod stopped;
pub mod streams;
pub mod tree;

/// The scenes of [`adapters`] that need no server, given to a macro.
#[macro_export]
macro_rules! adapter_scenes {
    ($($then:tt)*) => {
        $($then)*! { adapters:
            a_manager_is_made_once_and_so_is_its_connection
            a_connection_that_has_broken_is_replaced_at_once
            a_connection_that_a_panic_left_broken_is_replaced
            is_valid_is_asked_after_a_failure
            is_valid_is_asked_in_each_call_where_idle_connections_are_checked
            a_check_of_the_users_own_takes_the_place_of_is_valid
            a_managed_connection_is_reset_after_each_call
            a_managed_connection_of_age_zero_is_closed_after_each_call
            a_manager_that_cannot_be_made_is_asked_for_again
            threads_have_one_manager_and_a_connection_each
            a_sqlite_connection_is_made_once_a_worker_and_used_again
            a_sqlite_connection_that_runs_nothing_costs_one_call
            a_sqlite_connection_is_checked_as_the_user_says
            a_transaction_left_open_on_sqlite_is_rolled_back_by_reset
            a_sqlite_connection_of_age_zero_is_one_calls
            errors_of_sqlite_are_those_of_its_manager
            a_busy_database_keeps_its_connections
            a_killed_worker_leaves_no_lock_on_a_database
            a_connection_of_diesel_is_kept_while_transactions_end
            a_connection_of_diesel_in_a_transaction_is_replaced
            a_connection_of_diesel_that_a_panic_left_in_a_transaction_is_replaced
            a_connection_of_diesel_is_reset_after_each_call
            errors_of_diesel_are_those_of_its_manager
            a_server_that_is_not_there_is_the_managers_error
            a_managers_own_time_limit_is_its_error
            a_silent_server_costs_a_call_with_a_time_limit_its_worker_alone
        }
    };
}

/// The scenes of [`adapters`] in front of a PostgreSQL server, given to a macro.
#[macro_export]
macro_rules! served_scenes {
    ($($then:tt)*) => {
        $($then)*! { adapters:
            a_postgres_connection_is_made_once_a_worker_and_used_again
            a_terminated_postgres_connection_knows_and_costs_one_call
            a_terminated_postgres_connection_that_is_checked_costs_no_call
            a_failed_statement_keeps_its_postgres_connection
            a_transaction_left_open_on_postgres_is_rolled_back_by_reset
            a_postgres_connection_of_age_zero_is_closed_after_each_call
            errors_of_postgres_are_those_of_its_manager
        }
    };
}

/// The scenes of [`calling`], given to a macro.
#[macro_export]
macro_rules! calling_scenes {
    ($($then:tt)*) => {
        $($then)*! { calling:
            a_handle_gives_the_result_once_it_is_there
            get_timeout_gives_the_handle_back_and_the_call_goes_on
            a_dropped_handle_detaches_its_call
            a_forgotten_handle_costs_a_slot_and_no_more
            a_task_gives_its_results_in_order
            a_task_gives_the_first_error_in_order_after_all_have_settled
            a_task_comes_back_when_the_time_is_up
            nested_calls_run_inside_the_worker
            a_result_of_the_users_own_is_a_value
            an_error_that_cannot_travel_arrives_as_text
            every_kind_of_value_travels
            payloads_of_every_size_travel
            too_large_says_exactly_what_was_needed
            a_closed_pool_refuses_and_its_results_can_be_collected
            a_pool_that_cannot_finish_in_time_closes_its_calls
        }
    };
}

/// The scenes of [`awaits`], given to a macro.
#[macro_export]
macro_rules! await_scenes {
    ($($then:tt)*) => {
        $($then)*! { awaits:
            an_await_gives_whatever_became_of_the_call
            calls_that_are_cancelled_while_they_are_awaited_settle
            an_await_that_was_given_up_is_taken_up_again
            a_handle_that_was_waited_for_can_be_awaited_and_the_other_way_round
            the_waker_of_the_last_poll_is_called
            dropping_a_future_does_not_cancel_its_call
            an_abort_on_drop_that_is_awaited_cancels_its_call
            a_task_is_awaited_as_it_is_got
            an_await_leaves_the_executors_thread_to_others
            several_executors_await_calls_of_several_pools
            results_that_were_moved_aside_are_awaited
            a_pool_that_ends_settles_what_is_awaited
            an_await_sees_the_deaths_of_worker_and_supervisor
            a_waker_that_panics_harms_nobody
            a_nested_call_that_is_awaited_is_there_at_once
            a_pool_that_gives_up_settles_what_is_awaited
            many_awaits_beside_deaths_settle
        }
    };
}

/// The scenes of [`streams`], given to a macro.
#[macro_export]
macro_rules! stream_scenes {
    ($($then:tt)*) => {
        $($then)*! { streams:
            mapped_results_come_as_a_stream
            a_stream_takes_calls_as_it_is_asked_and_cancels_the_rest
            streams_on_few_slots_share_them
            a_map_that_was_begun_goes_on_as_a_stream
            streams_and_slots_can_be_sent_to_other_threads
            a_slot_is_awaited_while_every_one_is_taken
            reserved_slots_come_back
        }
    };
}

/// The scenes of [`awaits_alone`], given to a macro.
#[macro_export]
macro_rules! await_alone_scenes {
    ($($then:tt)*) => {
        $($then)*! { awaits_alone:
            no_thread_is_started_before_an_await_has_to_wait_and_one_serves_all
            a_thousand_awaits_on_one_thread_settle_while_processes_are_killed
            a_fork_of_the_client_awaits_its_own_calls
            a_program_ends_while_calls_are_awaited
            where_the_kernel_waits_for_one_word_alone_awaits_settle
        }
    };
}

/// The scenes of [`borrowed`], given to a macro.
#[macro_export]
macro_rules! borrowed_scenes {
    ($($then:tt)*) => {
        $($then)*! { borrowed:
            a_borrowed_result_is_what_its_worker_wrote
            results_beyond_half_of_the_slots_are_copied_and_no_call_waits
            a_borrowed_result_outlives_its_worker_its_supervisor_and_its_pool
            what_fails_fails_by_get_ref_as_well
        }
    };
}

/// The scenes of [`sharing`], given to a macro.
#[macro_export]
macro_rules! sharing_scenes {
    ($($then:tt)*) => {
        $($then)*! { sharing:
            one_thread_with_four_slots_starts_any_number_of_calls
            a_task_on_four_slots_gives_its_results_in_order
            handles_are_collected_in_reverse_dropped_and_forgotten
            many_threads_share_a_pool
            many_threads_share_four_slots
            several_pools_work_at_once
            threads_spawn_while_others_drop_and_collect
            threads_spawn_while_the_pool_is_shut_down
            dropping_a_pool_finishes_what_was_accepted
        }
    };
}

/// The scenes of [`faults`], given to a macro.
#[macro_export]
macro_rules! fault_scenes {
    ($($then:tt)*) => {
        $($then)*! { faults:
            a_panic_is_reported_with_message_and_place
            a_panic_with_another_payload_is_reported
            a_panic_while_dropping_an_argument_is_reported
            a_panic_in_a_thread_of_the_task_is_the_tasks_own
            what_cannot_be_encoded_or_decoded_is_an_error
            a_panic_while_encoding_or_decoding_is_an_error
            a_value_nested_too_deeply_is_an_error
            an_exit_is_told_with_its_code
            an_abort_is_told_with_its_signal
            a_bad_store_is_told_as_sigsegv
            a_stack_overflow_is_told_as_such
            every_deadly_signal_is_named
        }
    };
}

/// The scenes of [`deaths`], given to a macro.
#[macro_export]
macro_rules! death_scenes {
    ($($then:tt)*) => {
        $($then)*! { deaths:
            a_killed_worker_costs_its_call_alone
            a_killed_worker_has_no_words_of_an_earlier_call
            a_worker_killed_while_idle_costs_nothing
            workers_that_die_again_and_again_are_no_reason_to_give_up
            children_of_a_task_end_with_it
            a_call_with_retries_runs_again
            a_detached_call_runs_whatever_becomes_of_it
            deaths_under_load_cost_their_calls_alone
            the_death_of_the_supervisor_costs_running_calls_alone
            the_death_of_an_idle_supervisor_costs_nothing
        }
    };
}

/// The scenes of [`deadlines`], given to a macro.
#[macro_export]
macro_rules! deadline_scenes {
    ($($then:tt)*) => {
        $($then)*! { deadlines:
            a_time_limit_reaches_a_worker_that_left_its_group
            a_call_over_its_time_is_ended
            a_task_that_ignores_sigterm_is_killed
            a_time_limit_reaches_a_stopped_worker
            time_limits_of_many_calls_are_kept_apart
        }
    };
}

/// The scenes of [`cancelled`], given to a macro.
#[macro_export]
macro_rules! cancelled_scenes {
    ($($then:tt)*) => {
        $($then)*! { cancelled:
            a_queued_call_that_is_cancelled_never_runs
            a_running_call_that_is_cancelled_is_ended
            cancelling_at_any_moment_settles_every_call
            cancelling_from_many_threads_reaches_every_call
            a_call_is_cancelled_while_its_pool_is_shut_down
        }
    };
}

/// The scenes of [`background`], given to a macro.
#[macro_export]
macro_rules! background_scenes {
    ($($then:tt)*) => {
        $($then)*! { background:
            progress_is_seen_while_the_task_runs
            progress_is_that_of_the_call_alone
            calls_run_by_priority_and_by_arrival_within_one
            a_call_of_a_killed_worker_keeps_its_priority
            a_priority_that_there_is_not_is_refused
            a_background_call_never_keeps_one_waiting
            background_calls_come_last_and_by_priority
            background_calls_leave_slots_to_others
            background_calls_run_after_the_death_of_whoever_held_them
            every_background_call_is_woken_for
            a_pool_finishes_its_background_calls_before_it_ends
            as_many_background_workers_as_there_are_workers
        }
    };
}

/// The scenes of [`jobs`], given to a macro.
#[macro_export]
macro_rules! job_scenes {
    ($($then:tt)*) => {
        $($then)*! { jobs:
            a_job_is_watched_from_outside
            a_job_is_found_by_its_id
            a_result_is_taken_once
            a_job_that_fails_says_why
            a_job_is_cancelled
            the_times_of_a_job_are_in_order
            a_result_that_nobody_collects_is_dropped
            what_a_job_said_last_stays
            a_handle_becomes_a_job
            jobs_outlive_their_pool
            jobs_settle_while_workers_are_killed
        }
    };
}

/// The scenes of [`short`], given to a macro.
#[macro_export]
macro_rules! short_scenes {
    ($($then:tt)*) => {
        $($then)*! { short:
            a_death_among_many_costs_one
            a_long_one_among_many_holds_none_up
            a_long_one_holds_none_up_though_nobody_waits
            many_calls_go_through_few_slots_past_a_long_one
            large_results_go_through_few_slots
            workers_that_meet_on_one_core_may_run_on_all
            killed_workers_cost_no_more_than_they_had_begun
            calls_come_back_however_long_anybody_spins
        }
    };
}

/// The scenes of [`limits`], given to a macro.
#[macro_export]
macro_rules! limit_scenes {
    ($($then:tt)*) => {
        $($then)*! { limits:
            a_worker_is_replaced_after_so_many_calls
            recycling_under_load_loses_nothing
            a_worker_that_grew_is_replaced
            memory_beyond_the_data_limit_ends_the_call_alone
            time_beyond_the_cpu_limit_ends_the_call_alone
            files_beyond_the_limit_are_refused_to_the_task
            workers_have_the_surroundings_that_the_pool_names
            a_pools_timeout_holds_for_calls_without_one
            a_limited_pool_runs_nothing_in_the_client
            a_call_that_asks_ends_by_itself_when_its_time_is_up
            a_call_that_asks_ends_by_itself_when_it_is_cancelled
            a_call_that_asks_and_goes_on_is_ended
            the_last_breadcrumb_is_in_the_error
            a_long_breadcrumb_is_cut
            the_state_of_a_pool_says_what_each_worker_does
            a_call_ends_with_its_abort_on_drop
            a_panic_in_a_panic_is_told_as_an_abort
            a_worker_over_its_time_is_replaced_by_one_that_works
        }
    };
}

/// The scenes of [`start`], given to a macro.
#[macro_export]
macro_rules! start_scenes {
    ($($then:tt)*) => {
        $($then)*! { start:
            the_first_call_does_not_wait_for_the_last_worker
            each_worker_is_kept_to_a_core_of_its_own
            workers_share_the_cores_that_are_named
        }
    };
}

/// The scenes of [`stats`], given to a macro.
#[macro_export]
macro_rules! stats_scenes {
    ($($then:tt)*) => {
        $($then)*! { stats:
            every_outcome_is_counted_once
            detached_calls_are_counted_as_they_end
            what_waits_and_what_runs_is_counted_while_it_does
            bytes_are_counted_exactly
            recycled_workers_are_counted_and_lose_nothing
            a_replaced_supervisor_goes_on_counting
            some_calls_say_how_long_they_waited
            what_a_pool_cannot_finish_is_lost
            a_fork_of_the_client_reads_nothing
            every_look_adds_up_while_workers_are_killed
        }
    };
}

/// The scenes of [`stats`] about the default pool, given to a macro.
#[macro_export]
macro_rules! default_stats_scenes {
    ($($then:tt)*) => {
        $($then)*! { stats: the_default_pool_has_statistics_while_it_is_open }
    };
}

/// The scenes of [`hostile`], given to a macro.
#[macro_export]
macro_rules! hostile_scenes {
    ($($then:tt)*) => {
        $($then)*! { hostile:
            every_forged_field_settles_every_call
        }
    };
}

/// The scenes of [`shared`], given to a macro.
#[macro_export]
macro_rules! shared_scenes {
    ($($then:tt)*) => {
        $($then)*! { shared:
            par_ranges_over_shared_data_equals_one_after_another
            shared_data_travels_in_every_way
            shared_data_is_made_in_every_way
            where_shared_data_cannot_go_says_why
        }
    };
}

/// The scenes of [`map_reduce`], given to a macro.
#[macro_export]
macro_rules! map_reduce_scenes {
    ($($then:tt)*) => {
        $($then)*! { map_reduce:
            counts_equal_a_map_whatever_the_memory
            values_come_in_the_order_of_the_inputs
            few_and_many_keys_and_none
            equal_uses_do_not_meet
            an_early_end_leaves_nothing
            what_fails_ends_all_and_leaves_nothing
            a_call_over_its_time_ends_all
            a_call_that_died_runs_again_where_it_may
            inside_a_worker_it_runs_there
            what_makes_no_sense_is_said_so
            a_limit_on_descriptors_is_kept_or_told
        }
    };
}

/// The scenes of [`tree`], given to a macro.
#[macro_export]
macro_rules! tree_scenes {
    ($($then:tt)*) => {
        $($then)*! { tree:
            a_tree_equals_one_after_another
            a_tree_grows_on_the_default_pool
            a_tree_takes_calls_as_it_needs_them
        }
    };
}

/// The scenes of [`kept`], given to a macro.
#[macro_export]
macro_rules! kept_scenes {
    ($($then:tt)*) => {
        $($then)*! { kept:
            workers_that_run_see_what_is_made_later
            replaced_workers_see_what_is_older
            a_replaced_supervisor_knows_what_is_older
            a_call_keeps_what_it_names_until_it_settles
            a_fork_of_the_client_shares_what_it_inherited
            nothing_is_left_of_shared_data_that_came_and_went
            idle_workers_let_go
            no_worker_can_write_to_shared_data
            a_worker_that_asks_for_anything_harms_nobody
            a_limit_on_descriptors_is_an_error_and_no_more
        }
    };
}

/// The scenes of [`queues`], given to a macro.
#[macro_export]
macro_rules! queue_scenes {
    ($($then:tt)*) => {
        $($then)*! { queues:
            queues_travel_in_every_way
            many_producers_and_consumers_lose_nothing
            closing_wakes_sleepers_in_other_processes
            a_killed_consumer_takes_along_what_it_had_in_hand
            a_killed_producer_leaves_what_it_put_in
            what_a_queue_refuses_is_told_in_workers_too
            a_queue_that_a_worker_keeps_stays
            a_queue_outlives_a_killed_supervisor
            nothing_is_left_of_queues_that_came_and_went
            where_a_queue_cannot_go_says_why
            a_fork_of_the_client_has_its_queues
            a_worker_that_writes_over_a_queue_harms_no_client
        }
    };
}

/// The scenes of [`resources`], given to a macro.
#[macro_export]
macro_rules! resource_scenes {
    ($($then:tt)*) => {
        $($then)*! { resources:
            a_value_is_made_once_a_worker
            whatever_becomes_of_a_call_is_seen_to
            nested_calls_have_the_value_of_their_worker
            a_start_hook_makes_it_beforehand
            a_tasks_own_threads_have_one_each
            a_tasks_child_has_its_own
            one_call_of_a_map_is_one_use
            each_of_many_calls_is_one_use
            a_background_call_is_as_any
            two_pools_have_their_own
            ten_threads_of_the_client_have_their_own
        }
    };
}

/// The scenes of [`resources_end`], given to a macro.
#[macro_export]
macro_rules! resource_end_scenes {
    ($($then:tt)*) => {
        $($then)*! { resources_end:
            the_successor_of_a_killed_worker_makes_its_own
            every_end_of_a_maker_costs_its_call_alone
            every_end_of_a_check_costs_its_call_alone
            every_end_of_a_reset_costs_its_call_alone
            every_end_of_a_goodbye_costs_its_call_alone
            a_recycled_worker_closes_in_reverse_after_its_exit_hooks
            a_goodbye_that_panics_keeps_no_other_from_being_closed
            a_goodbye_that_aborts_or_hangs_keeps_no_pool_from_ending
        }
    };
}

/// The scenes of [`resources`] in a client of one thread, given to a macro.
#[macro_export]
macro_rules! resource_fork_scenes {
    ($($then:tt)*) => {
        $($then)*! { resources: a_clients_child_has_its_own }
    };
}

/// The scenes of [`stopped`], given to a macro.
#[macro_export]
macro_rules! stopped_scenes {
    ($($then:tt)*) => {
        $($then)*! { stopped:
            a_stopped_idle_worker_swallows_no_call
            workers_stopped_at_any_moment_lose_nothing
            a_pool_of_stopped_workers_waits_for_them
            workers_that_stay_stopped_are_replaced_when_they_are_missed
            a_call_on_a_stopped_worker_can_be_cancelled
            a_stopped_supervisor_is_asked_to_go_on
            a_stopped_template_is_asked_to_go_on
        }
    };
}

/// The scenes of [`alone`], given to a macro.
#[macro_export]
macro_rules! alone_scenes {
    ($($then:tt)*) => {
        $($then)*! { alone:
            fifty_pools_leave_nothing_behind
            two_thousand_calls_leave_nothing_behind
            large_payloads_give_their_memory_back
            what_a_pool_keeps_warm_is_bounded
            an_idle_pool_gives_its_memory_back
            what_is_handed_back_takes_no_second_window
            random_deaths_mix_nothing_up
            idle_processes_use_no_cpu
            a_million_mapped_results_leave_memory_flat
            the_programs_own_wait_does_no_harm_and_takes_none
            a_fork_of_the_client_builds_its_own_pool
            a_fork_of_the_client_finds_no_job
            a_pipe_that_the_client_closes_ends_for_its_reader
            a_pool_in_a_static_works_and_ends_with_the_program
            the_default_pool_is_closed_by_shutdown
            try_spawn_on_a_full_pool_hands_the_call_back
            many_threads_use_the_default_pool
            a_daemon_that_a_task_started_ends_with_the_pool
            a_waiter_under_signals_sees_the_death_of_the_supervisor
        }
    };
}

/// The scenes of [`ends`], given to a macro.
#[macro_export]
macro_rules! end_scenes {
    ($($then:tt)*) => {
        $($then)*! { ends:
            children_of_tasks_end_with_a_killed_supervisor
            a_pool_whose_supervisor_was_killed_leaves_nobody_when_it_is_dropped
            a_copy_of_a_worker_ends_with_a_killed_supervisor
            workers_of_every_end_are_collected
            a_deadline_is_kept_by_a_stopped_supervisor
            a_pool_with_a_stopped_supervisor_finishes_and_ends
        }
    };
}

/// The scenes of [`forked`], given to a macro.
#[macro_export]
macro_rules! forked_scenes {
    ($($then:tt)*) => {
        $($then)*! { forked:
            a_child_sees_memory_as_it_is_now
            every_kind_of_result_comes_back
            a_large_result_comes_back
            a_result_over_the_limit_says_what_was_needed
            what_cannot_travel_back_is_an_error
            a_panic_in_a_child_is_reported_with_message_and_place
            a_fork_beside_a_thread_is_refused
            nothing_of_the_parents_is_dropped_in_a_child
            forks_nest
            a_child_has_pools_of_its_own
            a_worker_forks
            a_child_has_what_its_parent_has_open
        }
    };
}

/// The scenes of [`forks_end`], given to a macro.
#[macro_export]
macro_rules! forks_end_scenes {
    ($($then:tt)*) => {
        $($then)*! { forks_end:
            every_death_of_a_child_is_told
            a_child_has_no_handlers_of_its_parents
            a_child_is_seen_by_its_name
            a_killed_child_takes_its_group_along
            a_joined_child_leaves_nobody
            a_child_over_its_time_is_ended
            a_deadline_holds_for_a_child_that_is_stopped_or_another_program
            a_deadline_holds_when_nobody_joins
            an_early_death_that_is_found_late_is_no_timeout
            a_child_whose_handle_is_dropped_runs_to_its_end
            a_thousand_forks_leave_nothing
            the_programs_own_wait_may_collect_a_child
            a_large_parent_forks
        }
    };
}

/// The scenes of [`alone`] that take long, given to a macro.
#[macro_export]
macro_rules! long_scenes {
    ($($then:tt)*) => {
        $($then)*! { alone:
            idle_processes_use_no_cpu_in_ten_seconds
            a_call_that_is_handed_out_may_take_long
        }
    };
}

/// The scenes of [`mapped`], given to a macro.
#[macro_export]
macro_rules! mapped_scenes {
    ($($then:tt)*) => {
        $($then)*! { mapped:
            results_come_in_the_order_of_the_calls
            an_endless_source_is_taken_from_as_results_are_wanted
            the_first_result_comes_before_the_last_input
            an_error_is_its_own_items_and_the_others_go_on
            collecting_stops_at_the_first_error_and_cancels_the_rest
            a_dropped_map_cancels_what_is_queued
            unordered_results_come_as_they_are_there
            maps_share_a_pool
            a_source_that_panics_costs_no_slot
            deaths_under_a_map_cost_their_calls_alone
            a_map_on_a_closed_pool_says_so_for_each_item
            a_slow_oldest_call_lets_as_many_others_run_as_may_be_under_way
            whoever_waits_for_any_is_woken
            a_result_that_is_late_can_still_be_asked_for
        }
    };
}

/// The scenes of [`joined`], given to a macro.
#[macro_export]
macro_rules! joined_scenes {
    ($($then:tt)*) => {
        $($then)*! { joined:
            join_all_gives_what_became_of_each_in_order
            join_all_timeout_gives_what_finished_and_the_handles_of_what_did_not
            as_completed_gives_results_in_the_order_in_which_they_come
            as_completed_hands_the_other_handles_back
            select_first_gives_the_first_and_the_other_handles
            handles_of_several_pools_are_waited_for_together
            many_handles_are_completed_through_few_slots
            a_dropped_as_completed_detaches_the_rest
        }
    };
}

/// The scenes of [`futures`], given to a macro.
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

/// The scenes of [`django`] that hold wherever calls run, given to a macro.
#[macro_export]
macro_rules! django_scenes {
    ($($then:tt)*) => {
        $($then)*! { django:
            age_zero_closes_after_each_call
            no_age_keeps
            the_server_has_as_many_connections_as_there_are_workers
            a_terminated_connection_costs_one_call_at_most_for_each_worker
            a_restarted_server_costs_one_call_at_most_for_each_worker
            an_idle_timeout_of_the_server_costs_one_call_at_most_for_each_worker
            checked_in_each_call_a_terminated_connection_costs_none
            checked_in_each_call_a_restarted_server_costs_none
            checked_in_each_call_an_idle_timeout_costs_none
            a_new_connection_is_not_checked_and_an_older_one_once_a_call
            after_a_failed_call_a_connection_is_checked_once_and_kept
            without_a_check_a_failure_keeps_and_a_panic_replaces
            a_call_that_hides_an_error_can_say_that_a_connection_is_suspect
            a_transaction_left_open_is_rolled_back_before_the_next_call
            a_transaction_of_a_call_that_failed_is_rolled_back
            a_transaction_of_a_call_that_panicked_is_rolled_back
            without_a_reset_a_transaction_stays_open
            a_connection_that_cannot_be_rolled_back_is_replaced
            a_connection_that_cannot_be_made_is_tried_again_at_the_next_use
            a_worker_that_ends_says_goodbye
            connections_are_closed_in_reverse_order
            a_thread_that_ends_closes_its_connection
        }
    };
}

/// The scenes of [`django`] about worker processes, given to a macro.
#[macro_export]
macro_rules! django_process_scenes {
    ($($then:tt)*) => {
        $($then)*! { django:
            a_recycled_worker_says_goodbye
            a_killed_worker_says_nothing_and_its_connection_is_gone
            a_child_of_a_worker_leaves_alone_what_its_parent_has
        }
    };
}

/// The scenes of [`django`] about programs with one thread that fork, given to a macro.
#[macro_export]
macro_rules! django_fork_scenes {
    ($($then:tt)*) => {
        $($then)*! { django:
            workers_leave_alone_what_was_made_before_they_were_forked
            a_child_of_the_client_leaves_alone_what_its_parent_has
        }
    };
}

/// The scenes of [`django`] about inline pools, given to a macro.
#[macro_export]
macro_rules! django_inline_scenes {
    ($($then:tt)*) => {
        $($then)*! { django: a_thread_that_called_inline_closes_its_connection }
    };
}

/// The scenes of [`django`] about time, for the program `clocks`, given to a macro.
#[macro_export]
macro_rules! django_clock_scenes {
    ($($then:tt)*) => {
        $($then)*! { django: age_is_measured_by_a_monotonic_clock }
    };
}

/// The scenes of [`sqlite`] that hold wherever calls run, given to a macro.
#[macro_export]
macro_rules! sqlite_scenes {
    ($($then:tt)*) => {
        $($then)*! { sqlite:
            age_zero_closes_after_each_call
            no_age_keeps
            as_many_connections_are_open_as_there_are_workers
            a_transaction_left_open_is_rolled_back_before_the_next_call
            a_transaction_of_a_call_that_failed_is_rolled_back
            a_transaction_of_a_call_that_panicked_is_rolled_back
            a_connection_that_cannot_be_made_is_tried_again_at_the_next_use
            a_worker_that_ends_closes_its_connection
            a_thread_that_ends_closes_its_connection
        }
    };
}

/// The scenes of [`sqlite`] about worker processes, given to a macro.
#[macro_export]
macro_rules! sqlite_process_scenes {
    ($($then:tt)*) => {
        $($then)*! { sqlite: a_killed_worker_costs_nothing_that_was_committed }
    };
}

/// The scenes of [`sqlite`] about programs with one thread that fork, given to a macro.
#[macro_export]
macro_rules! sqlite_fork_scenes {
    ($($then:tt)*) => {
        $($then)*! { sqlite: what_was_made_before_a_fork_is_left_alone }
    };
}

/// A scene with the name of its list and its own.
pub type Named = (&'static str, fn());

/// Every scene.
pub fn all() -> Vec<Named> {
    let lists: &[&[Named]] = &[
        calling_scenes!(crate::table),
        await_scenes!(crate::table),
        await_alone_scenes!(crate::table),
        stream_scenes!(crate::table),
        borrowed_scenes!(crate::table),
        sharing_scenes!(crate::table),
        fault_scenes!(crate::table),
        death_scenes!(crate::table),
        deadline_scenes!(crate::table),
        cancelled_scenes!(crate::table),
        background_scenes!(crate::table),
        job_scenes!(crate::table),
        short_scenes!(crate::table),
        limit_scenes!(crate::table),
        start_scenes!(crate::table),
        stats_scenes!(crate::table),
        default_stats_scenes!(crate::table),
        hostile_scenes!(crate::table),
        shared_scenes!(crate::table),
        map_reduce_scenes!(crate::table),
        tree_scenes!(crate::table),
        kept_scenes!(crate::table),
        queue_scenes!(crate::table),
        resource_scenes!(crate::table),
        resource_end_scenes!(crate::table),
        resource_fork_scenes!(crate::table),
        stopped_scenes!(crate::table),
        alone_scenes!(crate::table),
        long_scenes!(crate::table),
        end_scenes!(crate::table),
        joined_scenes!(crate::table),
        mapped_scenes!(crate::table),
        forked_scenes!(crate::table),
        forks_end_scenes!(crate::table),
        futures_scenes!(crate::table),
        adapter_scenes!(crate::table),
        served_scenes!(crate::table),
        django_scenes!(crate::table),
        django_process_scenes!(crate::table),
        django_fork_scenes!(crate::table),
        django_inline_scenes!(crate::table),
        django_clock_scenes!(crate::table),
        sqlite_scenes!(crate::table),
        sqlite_process_scenes!(crate::table),
        sqlite_fork_scenes!(crate::table),
    ];
    lists.concat()
}
