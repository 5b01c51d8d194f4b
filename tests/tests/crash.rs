//! Deaths at every named point of the protocol: what the caller sees, and that the pool goes on.
//!
//! `cargo crash` runs them; without fault points in the build they are reported as ignored.

use multicore_tests::fixture::{Fixture, Folder, Running};
use multicore_tests::procfs::Stat;
use multicore_tests::watch::{LONG, eventually, within};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Kill,
    Abort,
    /// It stops, and somebody kills it later.
    Stop,
}

const EVERY_HOW: [How; 3] = [How::Kill, How::Abort, How::Stop];

impl How {
    fn name(self) -> &'static str {
        match self {
            How::Kill => "kill",
            How::Abort => "abort",
            How::Stop => "stop",
        }
    }

    fn signal(self) -> Signal {
        match self {
            How::Kill | How::Stop => Signal::SIGKILL,
            How::Abort => Signal::SIGABRT,
        }
    }
}

/// Starts the client under both start methods, with something to happen at `points`, once each.
fn for_both(points: &[(&str, How)], scene: &str, check: fn(Running, How)) {
    for_each(&["exec", "fork"], points, scene, check);
}

fn for_each(methods: &[&str], points: &[(&str, How)], scene: &str, check: fn(Running, How)) {
    let Some(&(_, how)) = points.last() else { return };
    for &method in methods {
        let folder = Folder::new();
        let plan: Vec<String> = points
            .iter()
            .map(|(point, how)| format!("{point}:{}:{}", how.name(), folder.file(point)))
            .collect();
        within(LONG, || {
            let signal = (how.signal() as i32).to_string();
            let client = Fixture::new(env!("CARGO_BIN_EXE_at_fault_point"), &[method, scene, &signal])
                .env("MULTICORE_WORKERS", "2")
                .env("MULTICORE_FAULT_POINT", &plan.join(","));
            check(client.start(), how);
        });
        for (point, _) in points {
            assert!(std::path::Path::new(&folder.file(point)).exists(), "{method}: nobody came to `{point}`");
        }
    }
}

/// Kills the one process that stopped, and sees its children follow it; unless somebody of the pool was
/// faster and had it go on, or replaced it, so that the client got through.
fn kill_the_stopped(client: &Running) {
    let mut stopped = None;
    eventually("a process stopped, or the client got through", || {
        stopped = client.family().into_iter().find(|process| process.state == 'T');
        stopped.is_some() || client.has_said_something()
    });
    let Some(stopped): Option<Stat> = stopped else { return };
    let mut below: Vec<Stat> =
        client.family().into_iter().filter(|process| process.parent == stopped.pid).collect();
    let _ = kill(Pid::from_raw(stopped.pid), Signal::SIGKILL);
    below.push(stopped);
    eventually("it and its children are dead", || !below.iter().any(Stat::lives));
}

/// The client gets through its scene; afterwards the pool is complete and has no zombie.
fn goes_on(mut client: Running, how: How) {
    if how == How::Stop {
        kill_the_stopped(&client);
    }
    assert_eq!(client.line(), "done");
    // An idle client looks after its pool when it uses it.
    eventually("the pool works and is complete, without a zombie", || {
        client.go_on();
        if client.line() != "again" {
            return false;
        }
        let family = client.family();
        let named = |part: &str| family.iter().filter(|process| process.name.contains(part)).count();
        !family.iter().any(Stat::is_zombie) && named(": superv") == 1 && named(": worker") == 2
    });
    let ended = client.wait();
    assert!(ended.status.success(), "{ended:?}");
}

/// The same, where the pool sees to one that stopped: a worker whose time is up is ended, and a supervisor
/// is sent on by a client that waits.
fn goes_on_by_itself(client: Running, _: How) {
    goes_on(client, How::Kill);
}

/// The client itself dies; `wait` checks that nobody outlives it.
fn takes_everybody_along(client: Running, how: How) {
    if how == How::Stop {
        kill_the_stopped(&client);
    }
    assert_eq!(client.wait().signal(), Some(how.signal() as i32));
}

macro_rules! cases {
    ($methods:expr; $($name:ident: $points:expr, $scene:literal, $check:ident;)*) => {$(
        #[test]
        #[cfg_attr(not(multicore_faults), ignore = "needs fault points: `cargo crash`")]
        fn $name() {
            for how in EVERY_HOW {
                let points: &[(&str, Option<How>)] = &$points;
                let points: Vec<_> = points.iter().map(|&(point, own)| (point, own.unwrap_or(how))).collect();
                for_each(&$methods, &points, $scene, $check);
            }
        }
    )*};
}

// `None`: whatever the test is about.
cases! { ["exec", "fork"];
    a_worker_that_took_a_hint_loses_nothing: [("hint-taken", None)], "value", goes_on;
    a_worker_with_hints_in_hand_loses_nothing: [("hand-shown", None)], "many", goes_on;
    a_worker_that_searches_loses_nothing: [("searching", None)], "many", goes_on;
    a_worker_that_goes_to_sleep_loses_nothing: [("resting", None)], "many", goes_on;
    a_claimed_call_runs_elsewhere: [("claimed", None)], "value", goes_on;
    a_running_call_is_lost: [("running", None)], "died", goes_on;
    an_answer_that_was_not_handed_over_is_lost: [("answered", None)], "died", goes_on;
    a_finished_call_is_finished: [("finished", None)], "value", goes_on;
    an_awaited_call_that_is_finished_is_told_of: [("finished", None)], "awaited", goes_on;
    a_worker_that_silenced_the_bell_and_woke_nobody: [("told", None)], "awaited", goes_on;
    a_worker_that_has_done_its_part_loses_nothing: [("recycled", None)], "recycled", goes_on;
    a_worker_that_ends_by_itself_over_its_time: [("overdue", None)], "expired", goes_on_by_itself;
    a_worker_that_made_a_resource: [("resource-made", None)], "died_with_resources", goes_on;
    a_worker_that_put_a_resource_in_order: [("resource-reset", None)], "died_with_resources", goes_on;
    a_worker_that_closed_a_resource_in_a_call: [("resource-closed", None)], "died_with_resources", goes_on;
    a_worker_that_closed_a_resource_at_its_end: [("resource-closed", None)], "recycled_with_resources", goes_on;
    the_client_takes_everybody_along: [("filled", None)], "value", takes_everybody_along;
    a_supervisor_that_just_forked: [("forked", None)], "beside_a_death", goes_on_by_itself;
    a_supervisor_with_a_dead_worker_in_hand: [("reaped", None)], "beside_a_death", goes_on_by_itself;
    a_supervisor_that_gave_a_call_back: [("claimed", Some(How::Kill)), ("requeued", None)], "value", goes_on_by_itself;
    a_supervisor_that_took_a_call_back: [("claimed", Some(How::Stop)), ("taken-back", None)], "value", goes_on_by_itself;
    a_supervisor_that_settled_a_call: [("settled", None)], "beside_a_death", goes_on_by_itself;
    a_supervisor_about_to_empty_windows: [("cooling", None)], "emptied", goes_on_by_itself;
    a_supervisor_that_repaired_and_woke_nobody: [("repaired", None)], "beside_a_death", goes_on_by_itself;
    a_client_that_told_of_shared_data: [("share-told", None)], "shared", takes_everybody_along;
    a_supervisor_that_heard_of_shared_data: [("share-heard", None)], "shared", goes_on_by_itself;
    a_worker_that_asked_for_shared_data: [("share-asked", None)], "died_of_shared", goes_on;
    a_supervisor_that_passed_shared_data_on: [("share-answered", None)], "shared", goes_on_by_itself;
    a_worker_that_mapped_shared_data: [("share-mapped", None)], "died_of_shared", goes_on;
    a_supervisor_that_let_go_and_told_nobody: [("share-gone", None)], "shared", goes_on_by_itself;
    a_producer_with_a_claimed_cell: [("queue-filling", None)], "queue", goes_on;
    a_producer_with_a_filled_cell: [("queue-filled", None)], "queue", goes_on;
    a_producer_that_woke_nobody: [("queue-pushed", None)], "queue", goes_on;
    a_consumer_with_a_claimed_item_gives_it_back: [("queue-taking", None)], "queue_given_back", goes_on;
    a_consumer_with_a_copied_item_gives_it_back: [("queue-taken", None)], "queue_given_back", goes_on;
    a_consumer_takes_along_what_is_its_own: [("queue-popped", None)], "queue", goes_on;
    one_that_sleeps_at_a_queue: [("queue-asleep", None)], "queue_asleep", goes_on;
    one_that_saw_to_a_dead_producer: [("queue-filled", Some(How::Kill)), ("queue-skipped", None)], "queue", goes_on;
    one_that_took_over_gives_it_back: [("queue-taken", Some(How::Kill)), ("queue-taken-over", None)], "queue_given_back", goes_on;
    one_that_buries_is_buried: [("queue-popped", Some(How::Kill)), ("queue-buried", None)], "queue", goes_on;
    a_client_that_puts_something_in: [("queue-filled", None)], "queue_of_client", takes_everybody_along;
}

/// Where the supervisor hands the calls out. `answered` and `finished` are the worker's, `taken` and
/// `delivered` the same of its supervisor.
mod handed {
    use super::*;

    cases! { ["handed"];
        a_claimed_call_runs_elsewhere: [("claimed", None)], "value", goes_on;
        a_running_call_is_lost: [("running", None)], "died", goes_on;
        an_answer_that_is_not_finished_is_lost: [("answered", None)], "died", goes_on;
        a_finished_call_is_delivered: [("finished", None)], "value", goes_on;
        a_supervisor_that_handed_a_call_out: [("handed", None)], "beside_a_death", goes_on;
        a_supervisor_that_took_an_answer: [("taken", None)], "beside_a_death", goes_on;
        a_supervisor_that_delivered_an_answer_and_woke_nobody: [("delivered", None)], "value", goes_on;
        an_awaited_call_that_is_delivered_is_told_of: [("delivered", None)], "awaited", goes_on;
        a_supervisor_that_silenced_the_bell_and_woke_nobody: [("told", None)], "awaited", goes_on;
        a_supervisor_with_a_dead_worker_in_hand: [("reaped", None)], "beside_a_death", goes_on;
        a_supervisor_that_gave_a_call_back: [("claimed", Some(How::Kill)), ("requeued", None)], "value", goes_on;
        a_supervisor_that_settled_a_call: [("settled", None)], "beside_a_death", goes_on;
    }
}

/// Nobody kills it: the call runs elsewhere all the same.
fn gets_through_beside_the_stopped(mut client: Running, _: How) {
    assert_eq!(client.line(), "done");
    let family = client.family();
    let stopped: Vec<&Stat> = family.iter().filter(|process| process.state == 'T').collect();
    let [stopped] = stopped[..] else { panic!("{family:?}") };
    for _ in 0..3 {
        client.go_on();
        assert_eq!(client.line(), "again");
    }
    // It finds that what it had in hand is gone, unless it was missed and replaced.
    let _ = kill(Pid::from_raw(stopped.pid), Signal::SIGCONT);
    goes_on_as_ever(client);
}

fn goes_on_as_ever(mut client: Running) {
    client.go_on();
    assert_eq!(client.line(), "again");
    let ended = client.wait();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
#[cfg_attr(not(multicore_faults), ignore = "needs fault points: `cargo crash`")]
fn a_stopped_worker_keeps_neither_a_claimed_call_nor_a_hint() {
    for point in ["claimed", "hint-taken"] {
        for_both(&[(point, How::Stop)], "value", gets_through_beside_the_stopped);
    }
    // It is missed here, and replaced.
    for point in ["hand-shown", "searching"] {
        for_both(&[(point, How::Stop)], "many", goes_on_by_itself);
    }
}

#[test]
#[cfg_attr(not(multicore_faults), ignore = "needs fault points: `cargo crash`")]
fn a_call_that_no_worker_comes_to_begin_is_given_up() {
    for (method, how) in ["exec", "fork"].into_iter().flat_map(|m| [(m, How::Kill), (m, How::Stop)]) {
        within(LONG, || {
            let mut client =
                Fixture::new(env!("CARGO_BIN_EXE_at_fault_point"), &[method, "never_began", "9"])
                    .env("MULTICORE_WORKERS", "2")
                    .env("MULTICORE_FAULT_POINT", &format!("claimed:{}", how.name()))
                    .start();
            assert_eq!(client.line(), "done");
            let ended = client.wait();
            assert!(ended.status.success(), "{ended:?}");
        });
    }
}
