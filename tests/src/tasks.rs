//! Task functions: what works, and every way not to.

mod chunks;
pub mod connections;
pub mod embedded;
mod false_types;
mod faulty;
mod gates;
mod hooks;
pub mod pairs;
pub mod resources;
mod values;

use std::fs;
use std::io::Read;
use std::thread;
use std::time::Duration;

pub use self::chunks::*;
pub use self::false_types::*;
pub use self::faulty::*;
pub use self::gates::*;
pub use self::hooks::*;
pub use self::values::*;

/// The simplest.
#[multicore::task]
pub fn square(n: u64) -> u64 {
    n * n
}

/// The process that it runs in.
#[multicore::task]
pub fn whoami() -> i32 {
    std::process::id() as i32
}

/// The process above that.
#[multicore::task]
pub fn parent() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// Takes its time; what it was asked.
#[multicore::task]
pub fn nap(milliseconds: u64) -> u64 {
    thread::sleep(Duration::from_millis(milliseconds));
    milliseconds
}

/// Takes its time, and then squares.
#[multicore::task]
pub fn nap_and_square(milliseconds: u64, n: u64) -> u64 {
    nap(milliseconds);
    square(n)
}

/// Says in a file who runs it, then takes its time.
#[multicore::task]
pub fn announce(path: &str, milliseconds: u64) -> u64 {
    write_whole(path, &std::process::id().to_string());
    thread::sleep(Duration::from_millis(milliseconds));
    milliseconds
}

/// Waits until there is a file, or its folder is gone; what it was asked.
#[multicore::task]
pub fn wait_at(gate: &str, n: u64) -> u64 {
    let gate = std::path::Path::new(gate);
    while !gate.exists() && gate.parent().is_some_and(std::path::Path::exists) {
        thread::sleep(Duration::from_millis(1));
    }
    n
}

/// Waits until there is a file, and then adds a line to another.
#[multicore::task]
pub fn note_behind(gate: &str, path: &str) {
    note(path, wait_at(gate, 1));
}

/// A call that is awaited by a call: who runs this one, who that one, and how many threads there are then.
#[multicore::task]
pub fn nested_await() -> (i32, i32, usize) {
    let handle = std::pin::pin!(whoami::call().spawn().unwrap());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match handle.poll(&mut context) {
        std::task::Poll::Ready(there) => {
            (whoami(), there.unwrap(), fs::read_dir("/proc/self/task").unwrap().count())
        }
        std::task::Poll::Pending => panic!("it runs here"),
    }
}

/// Adds a line to a file.
#[multicore::task]
pub fn note(path: &str, line: u64) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// So that a reader finds all of the text or no file.
pub fn write_whole(path: &str, text: &str) {
    let half = format!("{path}.{}", std::process::id());
    fs::write(&half, text).unwrap();
    fs::rename(half, path).unwrap();
}

/// Calls made by a call: where they ran, and what came out.
#[multicore::task]
pub fn nested() -> (i32, Vec<i32>, u64, Vec<i32>) {
    let one = whoami::call().get().unwrap();
    let mut task = multicore::Task::new();
    for _ in 0..3 {
        task.run(whoami::call()).unwrap();
    }
    let sum = multicore::par_ranges!([1, 2, 3], sum).unwrap().into_iter().sum();
    let own_pool = multicore::Pool::builder().workers(2).build().unwrap();
    let own = vec![own_pool.spawn(whoami::call()).unwrap().get().unwrap()];
    (one, task.get().unwrap(), sum, own)
}

/// A nested call that asks for what cannot be had inline.
#[multicore::task]
pub fn nested_with_timeout() -> String {
    match nap::call(1).timeout(Duration::from_secs(9)).get() {
        Err(multicore::Error::Refused { why, .. }) => why,
        other => format!("not refused: {other:?}"),
    }
}

/// What a worker finds on its standard input.
#[multicore::task]
pub fn read_stdin() -> Vec<u8> {
    let mut found = Vec::new();
    std::io::stdin().read_to_end(&mut found).unwrap();
    found
}

/// Writes to a descriptor that the client knows by this number.
#[multicore::task]
pub fn write_to(descriptor: i32, text: &str) -> bool {
    fs::OpenOptions::new()
        .write(true)
        .open(format!("/proc/self/fd/{descriptor}"))
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .is_ok()
}
