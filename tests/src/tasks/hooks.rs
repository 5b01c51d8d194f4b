//! What workers do at their start and at their end.

use std::fs;
use std::io::Read;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use super::note;
use crate::wild;

/// What a start hook opened for the tasks, where the variable names it.
static OPENED: OnceLock<fs::File> = OnceLock::new();

/// The content of what the start hook opened.
#[multicore::task]
pub fn read_opened() -> Option<String> {
    let mut text = String::new();
    (&mut OPENED.get()?).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Opens a file, and leaves a thread running, where variables say so.
#[multicore::worker_start]
fn set_up() {
    if let Ok(path) = std::env::var("MULTICORE_TEST_OPEN_EARLY") {
        let _ = OPENED.set(fs::File::open(path).unwrap());
    }
    if std::env::var_os("MULTICORE_TEST_EARLY_THREAD").is_some() {
        thread::spawn(|| thread::sleep(Duration::from_secs(600)));
    }
}

/// Where a variable names a gate, the first worker to get there waits for somebody who opens it.
#[multicore::worker_start]
fn wait_at_gate() {
    let Ok(gate) = std::env::var("MULTICORE_TEST_GATE") else { return };
    if fs::File::create_new(format!("{gate}-taken")).is_ok() {
        drop(fs::File::open(gate));
    }
}

/// Fails in a worker's start hook where the variable says so; or changes the user; or leaves a thread that
/// aborts a little later.
#[multicore::worker_start]
fn start_hook() -> Result<(), String> {
    if let Ok(user) = std::env::var("MULTICORE_TEST_HOOK_USER") {
        wild::become_user(user.parse().expect("a user's number"));
    }
    if std::env::var_os("MULTICORE_TEST_ABORTS_LATER").is_some() {
        thread::spawn(|| {
            thread::sleep(Duration::from_millis(2));
            std::process::abort()
        });
    }
    match std::env::var("MULTICORE_TEST_START_HOOK") {
        Ok(why) => Err(why),
        Err(_) => Ok(()),
    }
}

/// Fails at a worker's end as the variable says, before any other.
#[multicore::worker_exit]
fn exit_hook_that_fails() -> Result<(), String> {
    match std::env::var("MULTICORE_TEST_EXIT_HOOK_FAILS") {
        Ok(why) if why == "panics" => panic!("an exit hook that panics"),
        Ok(why) => Err(why),
        Err(_) => Ok(()),
    }
}

/// Notes a worker's end where the variable says.
#[multicore::worker_exit]
fn exit_hook() {
    if let Ok(path) = std::env::var("MULTICORE_TEST_EXIT_HOOK") {
        note(&path, 1);
    }
}
