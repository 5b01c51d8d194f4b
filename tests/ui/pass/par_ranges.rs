//! The three shapes of chunk functions, everything that can be divided, and the options.
#![deny(warnings)]

use std::ops::Range;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use multicore::{Items, par_ranges};

#[multicore::task]
fn positions(start: usize, end: usize) -> (usize, usize) {
    (start, end)
}

#[multicore::task]
fn length(range: Range<usize>) -> usize {
    range.len()
}

#[multicore::task]
fn sum(chunk: &[u32]) -> u32 {
    chunk.iter().sum()
}

mod deep {
    #[multicore::task]
    pub fn fallible(chunk: &[String]) -> Result<usize, String> {
        Ok(chunk.len())
    }
}

struct Query;

impl Items for Query {
    fn bounds(&self) -> Range<usize> {
        100..104
    }
}

static LAZY: LazyLock<Vec<u32>> = LazyLock::new(|| vec![1; 4]);

fn main() -> multicore::Result<()> {
    let numbers = vec![1_u32, 2, 3, 4];
    assert_eq!(par_ranges!(10..14, positions, ranges = 2)?, [(10, 12), (12, 14)]);
    assert_eq!(par_ranges!(Query, positions, ranges = 2)?, [(100, 102), (102, 104)]);
    assert_eq!(par_ranges!(numbers, sum, ranges = 2)?, [3, 7]);
    assert_eq!(par_ranges!(&numbers, sum, ranges = 2)?, [3, 7]);
    assert_eq!(par_ranges!(numbers[1..], sum, ranges = 1)?, [9]);
    assert_eq!(par_ranges!(numbers.as_slice(), length, ranges = 1)?, [4]);
    assert_eq!(par_ranges!(Arc::new(numbers.clone()), sum, ranges = 1)?, [10]);
    assert_eq!(par_ranges!([1_u32, 2], sum, ranges = 1)?, [3]);
    assert_eq!(par_ranges!(LAZY, sum, ranges = 2)?, [2, 2]);
    assert_eq!(par_ranges!(Vec::<u32>::new(), sum)?, []);
    let words = [String::new()];
    assert_eq!(par_ranges!(words, deep::fallible)?, [Ok(1)]);
    let lengths: Vec<usize> = par_ranges!(
        0..4,
        length,
        min_range_size = 2,
        workers = 2,
        timeout = Duration::from_secs(60),
        max_load_average = 10.0,
    )?;
    assert_eq!(lengths, [2, 2]);
    assert_eq!(par_ranges!(0..4, length, ranges = 2, inline = true)?, [2, 2]);
    Ok(())
}
