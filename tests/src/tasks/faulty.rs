//! Functions that panic, end their process, or do not end.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{announce, nap, write_whole};
use crate::wild;

/// A panic with a literal.
#[multicore::task]
pub fn panic_literal() -> u64 {
    panic!("a literal")
}

/// A panic with a `String`.
#[multicore::task]
pub fn panic_text(text: &str) -> u64 {
    panic!("made of {text}")
}

/// A panic with something else.
#[multicore::task]
pub fn panic_number() -> u64 {
    std::panic::panic_any(42u64)
}

/// A panic in a thread that the function starts; without a word on standard error.
#[multicore::task]
pub fn panic_in_thread() -> String {
    match thread::spawn(|| std::panic::resume_unwind(Box::new("below"))).join() {
        Ok(()) => String::new(),
        Err(payload) => (*payload.downcast_ref::<&str>().unwrap_or(&"?")).to_owned(),
    }
}

/// Goes over to its parent's group, and takes its time.
#[multicore::task]
pub fn change_group(milliseconds: u64) {
    nix::unistd::setpgid(nix::unistd::Pid::from_raw(0), nix::unistd::getppid()).unwrap();
    thread::sleep(Duration::from_millis(milliseconds));
}

/// Leaves in the middle.
#[multicore::task]
pub fn leave(code: i32) -> u64 {
    std::process::exit(code)
}

/// Aborts.
#[multicore::task]
pub fn abort() -> u64 {
    std::process::abort()
}

/// Runs out of stack.
#[multicore::task]
pub fn overflow() -> u64 {
    #[allow(unconditional_recursion, reason = "that is the fault")]
    fn deeper(n: u64) -> u64 {
        let room = std::hint::black_box([n; 64]);
        deeper(n + 1) + room[0]
    }
    deeper(0)
}

/// Ends itself by a signal.
#[multicore::task]
pub fn raise(signal: i32) -> u64 {
    let signal = nix::sys::signal::Signal::try_from(signal).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::this(), signal).unwrap();
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}

/// Has its own time limit.
#[multicore::task(timeout = "200ms")]
pub fn limited(milliseconds: u64) -> u64 {
    nap(milliseconds)
}

/// Sees no SIGTERM.
#[multicore::task]
pub fn stubborn(path: &str) -> u64 {
    wild::ignore_sigterm();
    announce(path, 600_000)
}

/// Starts a process and waits for it; says in a file which.
#[multicore::task]
pub fn breed(path: &str) -> u64 {
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    write_whole(path, &child.id().to_string());
    child.wait().unwrap();
    0
}

/// Ends itself unless the file says that it did so before, so often.
#[multicore::task(retries = 2)]
pub fn dies_at_first(path: &str, times: usize) -> usize {
    dies(path, times)
}

/// As [`dies_at_first()`], with no retries of its own.
#[multicore::task]
pub fn dies(path: &str, times: usize) -> usize {
    let tried = fs::read_to_string(path).unwrap_or_default().len();
    if tried < times {
        write_whole(path, &"x".repeat(tried + 1));
        std::process::abort();
    }
    tried
}
