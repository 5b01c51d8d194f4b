//! Those of Django's rules that need no server, by name, with SQLite; see `django.rs`.

use multicore_tests::fixture::{Fixture, Folder};
use multicore_tests::tasks::embedded::FILE;
use multicore_tests::watch::{LONG, within};

const CLIENT: &str = env!("CARGO_BIN_EXE_client");

/// Plays a rule on an empty database.
#[track_caller]
fn holds(way: &str, part: &str, rule: &str) {
    let (method, backend) = match way {
        "threads" | "inline" => ("exec", way),
        _ => (way, "processes"),
    };
    let folder = Folder::new();
    let place = folder.path().join("database");
    std::fs::create_dir(&place).expect("a folder");
    let file = place.join("file");
    // Here, as two workers cannot do it at once.
    let database = rusqlite::Connection::open(&file).expect("a database");
    database.pragma_update(None, "journal_mode", "wal").expect("a log");
    database.close().expect("no statement is left");
    let fixture = Fixture::new(CLIENT, &[method, part, &format!("sqlite::{rule}")]);
    let fixture = fixture.env(FILE, &file.to_string_lossy()).env("MULTICORE_BACKEND", backend);
    let ended = within(LONG + 10, || fixture.run());
    assert!(ended.status.success(), "{way} {rule}: {}\n{}{}", ended.status, ended.stdout, ended.stderr);
}

macro_rules! rules {
    ($way:ident, $part:literal, $module:ident: $($rule:ident)*) => {
        $(#[test]
        fn $rule() {
            super::holds(stringify!($way), $part, stringify!($rule));
        })*
    };
}

macro_rules! by_exec { ($($scenes:tt)*) => { rules! { exec, "scene", $($scenes)* } }; }
macro_rules! by_fork { ($($scenes:tt)*) => { rules! { fork, "scene", $($scenes)* } }; }
macro_rules! on_threads { ($($scenes:tt)*) => { rules! { threads, "scene", $($scenes)* } }; }
macro_rules! in_line { ($($scenes:tt)*) => { rules! { inline, "scene", $($scenes)* } }; }
macro_rules! alone { ($($scenes:tt)*) => { rules! { exec, "scene-of-one-thread", $($scenes)* } }; }

mod exec {
    multicore_tests::sqlite_scenes!(by_exec);
    multicore_tests::sqlite_process_scenes!(by_exec);
}

mod fork {
    multicore_tests::sqlite_scenes!(by_fork);
    multicore_tests::sqlite_process_scenes!(by_fork);
}

mod threads {
    multicore_tests::sqlite_scenes!(on_threads);
}

mod inline {
    multicore_tests::sqlite_scenes!(in_line);
}

/// With one thread, as a fork asks for.
mod alone {
    multicore_tests::sqlite_fork_scenes!(alone);
}
