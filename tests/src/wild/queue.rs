//! A worker of bad will that has a queue.

use std::ops::Range;

use super::shared::{descriptors_of, mappings_of};

/// What queues are called in `/proc`.
const NAME: &str = "memfd:multicore-queue";

/// Where a process has queues mapped.
pub fn mappings(pid: i32) -> Vec<Range<usize>> {
    mappings_of(pid, NAME)
}

/// The descriptors of queues that a process has, as paths.
pub fn descriptors(pid: i32) -> Vec<String> {
    descriptors_of(pid, NAME)
}

/// Writes a few of these numbers, or zeroes, to words of the part that governs each queue that is mapped here.
pub fn write_over_queues(mut random: impl FnMut() -> u64) {
    for mapping in mappings(std::process::id() as i32) {
        // The head with its counters and owners, and the first cells behind it.
        let words = mapping.len().min(24 << 10) as u64 / 8;
        for _ in 0..5 {
            // Every second one among the counters or the cells, which are few.
            let word = match random() % 4 {
                0 => random() % 80,
                1 => (20 << 10) / 8 + random() % 32,
                _ => random() % words,
            };
            let value = match random() % 4 {
                0 => 0,
                1 => ((random() % 16) << 16) | (random() % 4),
                2 => random() >> (random() % 64),
                _ => random(),
            };
            let at = std::ptr::with_exposed_provenance_mut::<u64>(mapping.start + 8 * word as usize);
            // SAFETY: a word of a writable mapping that lives as long as the call; that others find nonsense there
            // is what the test is about.
            unsafe { at.write_volatile(value) };
        }
    }
}
