//! Backends, seen from outside: what the variable chooses, hooks, forks, and what is left. What the tasks give is
//! in `multicore/tests/backends`.

use multicore_tests::fixture::{Fixture, Folder};
use multicore_tests::watch::{LONG, within};

const CLIENT: &str = env!("CARGO_BIN_EXE_client");

#[track_caller]
fn play(what: &str, variables: &[(&str, &str)]) -> String {
    let fixture = Fixture::new(CLIENT, &["exec", "backends", what]);
    let fixture = variables.iter().fold(fixture, |fixture, (name, value)| fixture.env(name, value));
    within(LONG, || fixture.run().output())
}

#[test]
fn the_variable_chooses_where_code_does_not() {
    let check = |backend: &str, expected: &str| {
        assert_eq!(play("chosen", &[("MULTICORE_BACKEND", backend)]), expected, "{backend}");
    };
    check("", "Processes 3 false\n");
    check("processes", "Processes 3 false\n");
    check("threads", "Threads 3 true\n");
    check("inline", "Inline 3 true\n");
    let told = play("chosen", &[("MULTICORE_BACKEND", "nonsense")]);
    assert_eq!(told, "MULTICORE_BACKEND: `nonsense` is none of `processes`, `threads` and `inline`\n");
}

#[test]
fn a_start_hook_that_fails_is_an_error_of_the_pool() {
    let told = play("hooks", &[("MULTICORE_TEST_START_HOOK", "no database")]);
    assert!(told.starts_with("no worker became ready") && told.contains("no database"), "{told}");
    assert!(told.contains("start_hook") && told.contains("hooks.rs"), "{told}");
    // A missing file: this one panics.
    let told = play("hooks", &[("MULTICORE_TEST_OPEN_EARLY", "/nowhere/at/all")]);
    assert!(told.contains("panicked at ") && told.contains("set_up"), "{told}");
}

#[test]
fn exit_hooks_have_run_when_the_pool_is_dropped() {
    let folder = Folder::new();
    let notes = folder.file("notes");
    assert_eq!(play("hooks", &[("MULTICORE_TEST_EXIT_HOOK", &notes)]), "dropped\n");
    assert_eq!(std::fs::read_to_string(notes).unwrap(), "1\n1\n", "once for each thread");
}

#[test]
fn a_fork_of_the_client_has_no_part_in_its_threads() {
    assert_eq!(play("forked", &[]), "forked\n");
    assert_eq!(play("forked", &[("MULTICORE_BACKEND", "threads")]), "forked\n");
}

#[test]
fn no_thread_outlives_its_pool() {
    assert_eq!(play("gone", &[]), "gone\n");
}
