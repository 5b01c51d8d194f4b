//! Tasks that a scene holds until it lets them go, so that nothing depends on time.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Waits until there is such a file.
fn wait_for(gate: &str) {
    while !Path::new(gate).exists() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Opens the gate of a task that waits for this file.
///
/// # Panics
/// When there is no such folder.
pub fn open(gate: &str) {
    std::fs::write(gate, "").expect("a folder for gates");
}

/// Adds a number to a file in one piece, waits for its gate, and gives the number back.
#[multicore::task]
pub fn held(log: &str, gate: &str, number: u64) -> u64 {
    let mut file = OpenOptions::new().append(true).create(true).open(log).unwrap();
    file.write_all(format!("{number}\n").as_bytes()).unwrap();
    wait_for(gate);
    number
}

/// Reports each stage, goes on to the next when the file `gate` with its number is there, and ends well.
#[multicore::task]
pub fn stages(gate: &str, count: u64) -> u64 {
    for stage in 0..count {
        multicore::progress(stage, count, &format!("stage {stage}"));
        wait_for(&format!("{gate}{stage}"));
    }
    multicore::progress(count, count, "done");
    count
}

/// As [`stages()`], and says nothing.
#[multicore::task]
pub fn silent(gate: &str) {
    wait_for(gate);
}
