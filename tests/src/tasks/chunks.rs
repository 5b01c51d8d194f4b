//! Functions of a chunk.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::note;

/// `(start, end)` of a chunk.
#[multicore::task]
pub fn start_end(start: usize, end: usize) -> (usize, usize) {
    (start, end)
}

/// A chunk's range.
#[multicore::task]
pub fn in_range(range: Range<usize>) -> Range<usize> {
    range
}

/// The sum of a chunk's items.
#[multicore::task]
pub fn sum(chunk: &[u64]) -> u64 {
    chunk.iter().sum()
}

/// Which process ran each chunk.
#[multicore::task]
pub fn ran_in(_range: Range<usize>) -> i32 {
    std::process::id() as i32
}

/// As [`ran_in()`], never in the client.
#[multicore::task(isolate)]
pub fn ran_isolated(_range: Range<usize>) -> i32 {
    std::process::id() as i32
}

/// One item of a job that leaves a trace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Where to note what was done.
    pub path: String,
    /// Which item it is.
    pub number: u64,
    /// How long it takes.
    pub milliseconds: u64,
}

/// Notes the begin and the end of a chunk of one job; panics at 7 and 13.
#[multicore::task]
pub fn work(chunk: &[Job]) -> u64 {
    let [Job { path, number, milliseconds }] = chunk else { panic!("{} jobs in one chunk", chunk.len()) };
    note(path, *number);
    thread::sleep(Duration::from_millis(*milliseconds));
    note(path, *number);
    assert!(![7, 13].contains(number), "unlucky {number}");
    *number
}

/// Takes its time for each position.
#[multicore::task]
pub fn naps(start: usize, end: usize) -> usize {
    thread::sleep(Duration::from_millis((end - start) as u64));
    end - start
}

/// How many bytes each chunk has.
#[multicore::task]
pub fn sizes(chunk: &[Vec<u8>]) -> usize {
    chunk.iter().map(Vec::len).sum()
}
