//! Django's rules for connections that persist, by name, against a real server.
//!
//! Each is played in a process of its own, whose workers start by exec or by fork, or whose calls run on threads or
//! in the calling thread. The server is the test's: it is shared, but where a rule has it restarted.

use std::io::BufRead;
use std::sync::Mutex;

use multicore_tests::fixture::{Fixture, Folder};
use multicore_tests::scenes::django::LOG;
use multicore_tests::tasks::connections::{NOTES, URL};
use multicore_tests::watch::{LONG, within};
use test_postgres::Cluster;

const CLIENT: &str = env!("CARGO_BIN_EXE_client");
const CLOCKS: &str = env!("CARGO_BIN_EXE_clocks");

/// The server that is stopped and started again, for one test at a time.
static RESTARTED: Mutex<Option<Cluster>> = Mutex::new(None);

/// The rules for which it is.
const RESTARTS: [&str; 3] = [
    "a_restarted_server_costs_one_call_at_most_for_each_worker",
    "checked_in_each_call_a_restarted_server_costs_none",
    "a_connection_that_cannot_be_made_is_tried_again_at_the_next_use",
];

#[track_caller]
fn holds(way: &str, rule: &str) {
    if RESTARTS.contains(&rule) {
        let mut restarted = RESTARTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        holds_at(restarted.get_or_insert_with(Cluster::start), CLIENT, "scene", way, rule);
    } else {
        holds_at(Cluster::shared(), CLIENT, "scene", way, rule);
    }
}

/// Plays a rule, and does to the server what it asks for.
#[track_caller]
fn holds_at(server: &Cluster, program: &str, part: &str, way: &str, rule: &str) {
    let (method, backend) = match way {
        "threads" | "inline" => ("exec", way),
        _ => (way, "processes"),
    };
    let folder = Folder::new();
    let url = server.url_of(&format!("{way}-{}", &rule[..rule.len().min(50)]));
    let log = server.folder().join("log").to_string_lossy().into_owned();
    let fixture = Fixture::new(program, &[method, part, &format!("django::{rule}")]);
    let fixture = fixture.env(URL, &url).env(LOG, &log).env(NOTES, &folder.file("notes"));
    let fixture = fixture.env("MULTICORE_BACKEND", backend);
    within(LONG + 10, || {
        let mut running = fixture.start();
        let mut line = String::new();
        let mut said = String::new();
        while running.stdout.read_line(&mut line).expect("its output") > 0 {
            match line.trim() {
                "stop" => server.stop(),
                "resume" => server.resume(),
                "restart" => server.restart(),
                _ => said.push_str(&line),
            }
            if ["stop", "resume", "restart"].contains(&line.trim()) {
                running.go_on();
            }
            line.clear();
        }
        let ended = running.wait();
        assert!(ended.status.success(), "{way} {rule}: {}\n{said}{}", ended.status, ended.stderr);
    });
}

macro_rules! rules {
    ($way:ident, $part:literal, $program:expr, $module:ident: $($rule:ident)*) => {
        $(#[test]
        #[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
        fn $rule() {
            super::holds_at(
                test_postgres::Cluster::shared(), $program, $part, stringify!($way), stringify!($rule),
            );
        })*
    };
    ($way:ident, $module:ident: $($rule:ident)*) => {
        $(#[test]
        #[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
        fn $rule() {
            super::holds(stringify!($way), stringify!($rule));
        })*
    };
}

macro_rules! by_exec { ($($scenes:tt)*) => { rules! { exec, $($scenes)* } }; }
macro_rules! by_fork { ($($scenes:tt)*) => { rules! { fork, $($scenes)* } }; }
macro_rules! on_threads { ($($scenes:tt)*) => { rules! { threads, $($scenes)* } }; }
macro_rules! in_line { ($($scenes:tt)*) => { rules! { inline, $($scenes)* } }; }
macro_rules! alone { ($($scenes:tt)*) => { rules! { exec, "scene-of-one-thread", super::CLIENT, $($scenes)* } }; }
macro_rules! clocks_by_exec { ($($scenes:tt)*) => { rules! { exec, "scene", super::CLOCKS, $($scenes)* } }; }
macro_rules! clocks_by_fork { ($($scenes:tt)*) => { rules! { fork, "scene", super::CLOCKS, $($scenes)* } }; }
macro_rules! clocks_on_threads { ($($scenes:tt)*) => { rules! { threads, "scene", super::CLOCKS, $($scenes)* } }; }
macro_rules! clocks_in_line { ($($scenes:tt)*) => { rules! { inline, "scene", super::CLOCKS, $($scenes)* } }; }

mod exec {
    multicore_tests::django_scenes!(by_exec);
    multicore_tests::django_process_scenes!(by_exec);
    multicore_tests::django_clock_scenes!(clocks_by_exec);
}

mod fork {
    multicore_tests::django_scenes!(by_fork);
    multicore_tests::django_process_scenes!(by_fork);
    multicore_tests::django_clock_scenes!(clocks_by_fork);
}

mod threads {
    multicore_tests::django_scenes!(on_threads);
    multicore_tests::django_clock_scenes!(clocks_on_threads);
}

mod inline {
    multicore_tests::django_scenes!(in_line);
    multicore_tests::django_inline_scenes!(in_line);
    multicore_tests::django_clock_scenes!(clocks_in_line);
}

/// With one thread, as a fork asks for.
mod alone {
    multicore_tests::django_fork_scenes!(alone);
}
