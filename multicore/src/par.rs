//! (being written) The run time of `par_ranges!`.

use std::time::Duration;

use crate::error::Result;
use crate::items::{Chunks, Items};
use crate::pool::Pool;
use crate::ranges::{balanced, default_count, default_workers};

/// What `par_ranges!` was told beside items and chunk function.
#[doc(hidden)]
#[derive(Default)]
pub struct ParOptions<'p> {
    pub min_range_size: Option<usize>,
    pub ranges: Option<usize>,
    pub workers: Option<usize>,
    pub timeout: Option<Duration>,
    pub max_load_average: Option<f64>,
    pub pool: Option<&'p Pool>,
    pub inline: bool,
}

/// Placeholder: everything here and now, one chunk after another.
#[doc(hidden)]
pub fn par_ranges<I: Items + ?Sized, S, F: Chunks<I, S>>(
    items: &I,
    options: ParOptions<'_>,
) -> Result<Vec<F::Output>> {
    let bounds = items.bounds();
    let count = options.ranges.unwrap_or_else(|| {
        default_count(
            bounds.len(),
            options.workers.unwrap_or_else(default_workers),
            options.min_range_size.unwrap_or(1),
        )
    });
    Ok(balanced(bounds, count).into_iter().map(|range| F::call(items, range).body.run()).collect())
}
