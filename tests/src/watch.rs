//! Watchdogs: whatever can hang says where it hangs, and ends.

use std::fs;
use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::procfs;

/// Far longer than any test takes on a loaded machine.
pub const LONG: u64 = 120;

/// Runs `body`; after `seconds` prints what this process and its descendants do, and aborts.
pub fn within<T>(seconds: u64, body: impl FnOnce() -> T) -> T {
    let (done, waiting) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or("?").to_owned();
    thread::spawn(move || {
        if waiting.recv_timeout(Duration::from_secs(seconds)) == Err(RecvTimeoutError::Timeout) {
            // Straight to the descriptor: the harness captures what the macros print.
            let _ = std::io::stderr().write_all(report(&name, seconds).as_bytes());
            std::process::abort();
        }
    });
    let result = body();
    drop(done);
    result
}

/// Waits until `condition` holds, which is a matter of moments.
///
/// # Panics
/// When it does not hold in half a minute: `what` is the message.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "never came true: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn report(name: &str, seconds: u64) -> String {
    let mut text = format!("\n`{name}` hangs: not done after {seconds} s\n");
    let own = std::process::id() as i32;
    for pid in std::iter::once(own).chain(procfs::relatives(own).into_iter().map(|stat| stat.pid)) {
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for thread in threads.flatten() {
            let read = |file| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
            let state =
                read("status").lines().find(|line| line.starts_with("State")).unwrap_or("").to_owned();
            let (name, place, call) = (read("comm"), read("wchan"), read("syscall"));
            let (name, call) = (name.trim(), call.trim());
            text +=
                &format!("  {pid} {:?} {name}: {state}, in {place}, syscall {call}\n", thread.file_name());
        }
    }
    text
}
