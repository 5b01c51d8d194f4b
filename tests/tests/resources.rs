//! Resources: values that workers keep from call to call.

use multicore_tests::fixture::{Fixture, Folder, METHODS};
use multicore_tests::watch::{LONG, within};

mod kept {
    multicore_tests::resource_scenes!(multicore_tests::in_every_way);
}

/// What is said of goodbyes that fail is said in a client whose output nobody sees.
macro_rules! in_every_way_apart {
    ($module:ident: $($scene:ident)*) => {
        multicore_tests::each_alone! { $module: $($scene)* }
        multicore_tests::each_alone! { @by handed, $module: $($scene)* }
    };
}

mod end {
    multicore_tests::resource_end_scenes!(in_every_way_apart);
}

macro_rules! at_length_in_every_way {
    ($($scenes:tt)*) => {
        multicore_tests::at_length! { @by [exec fork handed], $($scenes)* }
    };
}

multicore_tests::long_resource_scenes!(at_length_in_every_way);

/// As a fork asks for.
macro_rules! with_one_thread {
    ($module:ident: $($scene:ident)*) => {$(
        #[test]
        fn $scene() {
            let name = concat!(stringify!($module), "::", stringify!($scene));
            multicore_tests::fixture::play_with_one_thread(env!("CARGO_BIN_EXE_client"), name);
        }
    )*};
}

multicore_tests::resource_fork_scenes!(with_one_thread);

/// What the part wrote down; who it was is told apart by order alone.
#[track_caller]
fn written(method: &str, part: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let folder = Folder::new();
    let log = folder.file("log");
    let fixture = Fixture::new(env!("CARGO_BIN_EXE_client"), &[method, part, &log]);
    let fixture = variables.iter().fold(fixture, |fixture, (name, value)| fixture.env(name, value));
    assert_eq!(within(LONG, || fixture.run().output()), "");
    let text = std::fs::read_to_string(log).unwrap();
    text.lines().map(|line| line.split_once(' ').expect("a process").1.to_owned()).collect()
}

/// Also where they are forked from it.
#[test]
fn what_the_client_made_before_its_workers_is_its_own() {
    for method in METHODS {
        let events = written(method, "resources-before", &[]);
        // The worker's at the pool's end, the client's at its own.
        assert_eq!(events, ["ours made", "ours made", "ours closed", "ours closed"], "{method}");
    }
}

/// The value that it left in the middle of something is replaced, as the panic goes on.
#[test]
fn a_panic_of_the_client_costs_its_value_and_no_more() {
    let events = written("exec", "resources-panicking", &[]);
    assert_eq!(events, ["ours made", "ours closed", "ours made", "ours closed"]);
}

#[test]
fn the_default_pool_in_the_clients_own_thread_closes_what_its_calls_made() {
    let events = written("exec", "resources-inline", &[("MULTICORE_BACKEND", "inline")]);
    assert_eq!(events, ["db made", "db reset", "db reset", "db checked", "db reset", "db closed"]);
}
