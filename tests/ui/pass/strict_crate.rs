//! A crate that forbids unsafe code and odd names, and denies warnings and missing documentation.
#![forbid(unsafe_code, nonstandard_style, non_upper_case_globals, non_camel_case_types, unused, dead_code)]
#![forbid(missing_docs, unreachable_pub, private_interfaces, unused_qualifications, unused_lifetimes)]
#![deny(warnings, rust_2018_idioms, elided_lifetimes_in_paths, single_use_lifetimes)]

use std::sync::LazyLock;

static USERS: LazyLock<Vec<String>> = LazyLock::new(|| vec![String::from("x"); 100]);

/// A public module.
pub mod pages {
    /// Two positions.
    #[multicore::task(timeout = "2s", retries = 1, isolate)]
    pub fn render(start: usize, end: usize) -> String {
        super::USERS[start..end].concat()
    }

    /// Called by nobody but workers.
    #[multicore::task(error = "text")]
    pub fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
        text.parse()
    }
}

/// Private, and called by nobody but workers.
#[multicore::task]
fn total(values: &[u64], factor: &u64, mut start: u64) -> u64 {
    start += values.iter().sum::<u64>();
    start * factor
}

#[multicore::task(type = Nothing)]
fn nothing() {}

#[multicore::task]
fn lengths(chunk: &[String]) -> usize {
    chunk.iter().map(String::len).sum()
}

#[multicore::worker_start]
fn start() {}

#[multicore::worker_exit]
fn leave() -> Result<(), std::fmt::Error> {
    Ok(())
}

#[multicore::main(preload(USERS))]
fn main() {
    assert_eq!(multicore::tasks().unwrap().len(), 5);
    let _: multicore::Call<'_, String> = pages::render::call(1, 2);
    assert_eq!(multicore::par_ranges!(USERS, lengths, ranges = 3).unwrap(), [34, 33, 33]);
    assert_eq!(multicore::par_ranges!(&USERS[..2], lengths, ranges = 1, inline = true).unwrap(), [2]);
    assert_eq!(multicore::par_ranges!(vec![String::from("a"); 2], lengths, ranges = 1).unwrap(), [2]);
}
