//! A stranger's crate, outside this workspace (`fixture/`): what somebody meets who adds `multicore`
//! to a program and sets nothing up.
//!
//! `cargo test` runs it in debug. `.ci/profiles` runs the same tests with the profiles named by
//! `STRANGER_PROFILE`, and with those that need a C++ compiler or nextest.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use multicore_tests::fixture::{Ended, Fixture};
use multicore_tests::watch::within;

/// Seconds for cargo, which may compile everything with fat LTO on a loaded machine.
const BUILD: u64 = 1800;
/// Seconds for a program.
const RUN: u64 = 60;

/// What to do when the lock file is out of date.
const LOCK: &str = "after a change of dependencies: `cp Cargo.lock tests/fixture/`, then `cargo metadata \
    --offline --manifest-path tests/fixture/Cargo.toml` takes out what it does not need";

fn profile() -> String {
    env::var("STRANGER_PROFILE").unwrap_or_else(|_| "dev".to_owned())
}

/// A cargo command on the stranger's crate; the versions are those of this workspace, which were
/// fetched to build this test.
fn cargo(command: &[&str], options: &[&str]) -> Ended {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/fixture/Cargo.toml");
    let (profile_option, profile) = match command {
        ["nextest", ..] => ("--cargo-profile", profile()),
        _ => ("--profile", profile()),
    };
    let target = target();
    let target = target.to_str().expect("a path of text");
    let fixed = [profile_option, &profile, "--manifest-path", manifest, "--target-dir", target];
    let arguments = [command, &fixed, &["--offline", "--locked"], options].concat();
    within(BUILD, || Fixture::new(&cargo, &arguments).run())
}

fn target() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stranger")
}

/// A program of the stranger's.
fn program(name: &str) -> String {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| built(&["--features", "tokio"]));
    path(name)
}

fn built(options: &[&str]) {
    let build = cargo(&["build"], options);
    assert!(build.status.success(), "{}\n{LOCK}", build.stderr);
}

fn path(name: &str) -> String {
    let folder = match profile().as_str() {
        "dev" => "debug".to_owned(),
        other => other.to_owned(),
    };
    target().join(folder).join(name).to_str().expect("a path of text").to_owned()
}

/// Runs a program to its end, and checks that nobody outlives it.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> String {
    within(RUN, || Fixture::new(program, arguments).env("SEEN_BY_WORKERS", "yes").run().output())
}

#[track_caller]
fn is_right(program: &str, arguments: &[&str]) {
    assert_eq!(run(program, arguments), "right\n", "{program} {arguments:?}");
}

/// Names and versions of the packages in a lock file that come from a registry.
fn locked(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file);
    let packages = text.split("[[package]]").filter(|package| package.contains("\nsource = "));
    packages.map(|package| package.lines().skip(1).take(2).collect::<Vec<_>>().join(", ")).collect()
}

/// Otherwise it could not be built without the network.
#[test]
fn its_versions_are_those_of_this_workspace() {
    let workspace = locked("../Cargo.lock");
    let fixture = locked("fixture/Cargo.lock");
    assert!(fixture.len() > 10);
    for package in fixture {
        assert!(workspace.contains(&package), "{package} is not in this workspace; {LOCK}");
    }
}

#[test]
fn cargo_run_needs_no_initialisation() {
    program("stranger");
    let ended = cargo(&["run"], &["--quiet", "--features", "tokio"]);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, "right\n");
}

#[test]
fn its_own_tests_need_no_harness() {
    let ended = cargo(&["test"], &["--features", "tokio", "--", "--test-threads=8"]);
    assert!(ended.status.success(), "{}\n{}", ended.stdout, ended.stderr);
    for tests in ["tests::so_does_its_neighbour ... ok", "test threads_of_one_test ... ok", "(line 5) ... ok"]
    {
        assert!(ended.stdout.contains(tests), "no `{tests}` in {}", ended.stdout);
    }
}

#[test]
#[ignore = "needs cargo-nextest: `.ci/profiles`"]
fn its_own_tests_run_under_nextest() {
    // A process that holds a test's output open is a leak, which nextest reports.
    let ended = cargo(&["nextest", "run"], &["--features", "tokio"]);
    assert!(ended.status.success(), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("10 passed") && !ended.stderr.contains("LEAK"), "{}", ended.stderr);
}

/// It is built without: the variable names what to do, and nothing runs anywhere else in its place.
#[test]
fn a_backend_that_is_not_built_in_is_an_error_that_names_its_feature() {
    let stranger = program("stranger");
    let ended = within(RUN, || Fixture::new(&stranger, &[]).env("MULTICORE_BACKEND", "threads").run());
    assert!(!ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains("MULTICORE_BACKEND") && ended.stderr.contains("features = "), "{ended:?}");
}

#[test]
fn what_a_worker_sees_by_exec() {
    is_right(&program("sees"), &["exec"]);
}

#[test]
fn what_a_worker_sees_by_fork() {
    is_right(&program("sees"), &["fork"]);
}

#[test]
fn what_waits_in_a_buffer_is_printed_once() {
    for (method, expected) in [("exec", "cxz"), ("fork", "cxyz")] {
        let mut letters: Vec<char> = run(&program("prints"), &[method]).chars().collect();
        letters.sort_unstable();
        assert_eq!(String::from_iter(letters), expected, "{method}");
    }
}

#[test]
fn a_panic_is_an_error_with_its_message() {
    is_right(&program("panics"), &[]);
}

#[test]
fn tokio_with_nothing_initialised() {
    is_right(&program("tokio_alone"), &[]);
}

#[test]
fn tokio_main_above_and_below_ours() {
    is_right(&program("tokio_above"), &[]);
    is_right(&program("tokio_below"), &[]);
}

/// `cat` ends when nobody holds the pipe any more.
#[test]
fn a_pipe_ends_with_the_program() {
    for command in ["stranger | cat", "sees exec | cat", "sees fork | cat", "panics 2>&1 | cat"] {
        let command = format!("{}/{command}", PathBuf::from(program("")).display());
        assert_eq!(run("sh", &["-c", &command]), "right\n", "{command}");
    }
}

/// When somebody who waits for the program learns of its end, its processes have ended before.
#[test]
fn nobody_outlives_the_program() {
    for arguments in [&["stranger"][..], &["sees", "exec"], &["sees", "fork"]] {
        let marker = format!("{}-{}", std::process::id(), arguments.join("-"));
        let status = within(RUN, || {
            Command::new(program(arguments[0]))
                .args(&arguments[1..])
                .env("SEEN_BY_WORKERS", "yes")
                .env("STRANGER_RUN", &marker)
                .stdout(std::process::Stdio::null())
                .status()
                .unwrap()
        });
        let left = multicore_tests::procfs::family(&format!("STRANGER_RUN={marker}"));
        assert!(status.success());
        assert_eq!(left, [], "{arguments:?}");
    }
}

#[test]
#[ignore = "needs a C++ compiler: `.ci/profiles`"]
fn a_cpp_global_is_constructed_in_workers() {
    program("stranger");
    built(&["--features", "cpp", "--bin", "cpp"]);
    is_right(&path("cpp"), &["exec"]);
    is_right(&path("cpp"), &["fork"]);
}
