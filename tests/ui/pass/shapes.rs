//! Everything that an ordinary program does with tasks.
#![forbid(unsafe_code, nonstandard_style)]
#![deny(warnings, missing_docs)]

use std::sync::LazyLock;

static USERS: LazyLock<Vec<String>> = LazyLock::new(|| vec![String::from("x"); 100]);

/// Two positions.
#[multicore::task]
pub fn render(start: usize, end: usize) -> String {
    USERS[start..end].concat()
}

#[multicore::task]
fn in_range(range: std::ops::Range<usize>) -> usize {
    range.len()
}

#[multicore::task]
fn in_slice(chunk: &[String]) -> usize {
    chunk.iter().map(String::len).sum()
}

fn main() {
    let pages: Vec<String> = multicore::par_ranges!(USERS, render).unwrap();
    assert_eq!(pages.concat(), "x".repeat(100));
    let users = vec![String::from("ab"); 10];
    assert_eq!(multicore::par_ranges!(users, in_slice).unwrap().iter().sum::<usize>(), 20);
    assert_eq!(multicore::par_ranges!(users[2..4], in_slice, ranges = 2).unwrap(), [2, 2]);
    assert_eq!(multicore::par_ranges!(10..20, in_range, ranges = 2, inline = true,).unwrap(), [5, 5]);
    let call = render::call(0, 10);
    assert!(call.name().ends_with("::render"));
    assert!(multicore::tasks().unwrap().iter().any(|task| task.signature == "(usize, usize) -> String"));
}
