//! What `par_ranges!` does at run time.

use std::ops::Range;
use std::time::Duration;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::load;
use crate::many::items::{Chunks, Items};
use crate::many::ranges::{balanced, default_count};
use crate::many::steps::Steps;
use crate::many::task::{Task, all_or_first_error};
use crate::pool::{Pool, allow_inline, default};

/// The options of one `par_ranges!`.
#[derive(Default)]
pub struct ParOptions<'p> {
    /// The least items in a chunk.
    pub min_range_size: Option<usize>,
    /// Exactly this many chunks, or one for each item where there are fewer.
    pub ranges: Option<usize>,
    /// How many chunks are under way at once.
    pub workers: Option<usize>,
    /// How long one chunk may run.
    pub timeout: Option<Duration>,
    /// The load guard's threshold; above it the chunks run here.
    pub max_load_average: Option<f64>,
    /// The pool to use in place of the default one.
    pub pool: Option<&'p Pool>,
    /// Run here whatever the load.
    pub inline: bool,
    /// Draw a bar.
    pub progress: bool,
}

/// Runs `F` over chunks of `items`; results in order, or the first error in order once every chunk has
/// settled.
pub fn par_ranges<I, S, F>(items: &I, options: ParOptions<'_>) -> Result<Vec<F::Output>>
where
    I: Items + ?Sized,
    F: Chunks<I, S>,
    F::Output: 'static,
{
    options.check()?;
    let workers = options.pool.map_or_else(default::workers, Pool::workers);
    let chunks = options.chunks(items.bounds(), workers);
    let call = |range: Range<usize>| -> Call<'_, F::Output> {
        let call = F::call(items, range);
        match options.timeout {
            Some(limit) => call.timeout(limit),
            None => call,
        }
    };
    if chunks.is_empty() {
        return Ok(Vec::new());
    }
    let inline = options.inline || !load::allows(options.max_load_average);
    if inline && options.pool.map_or_else(default::isolates, Pool::isolates) {
        return Err(Error::refused(
            "the pool has a timeout, a limit or a sandbox, and the chunks would have to run in this very process",
        ));
    }
    let steps = Steps::of(options.progress, chunks.iter().map(ExactSizeIterator::len).sum());
    if inline {
        return here(chunks, call, &steps);
    }
    let opened = match options.pool {
        Some(_) => None,
        None => Some(default::pool()?),
    };
    let pool = options.pool.or(opened.as_deref()).ok_or(Error::Closed)?;
    if options.progress {
        return as_they_settle(pool, options.workers, &chunks, call, &steps);
    }
    let mut task = Task::on(pool);
    for range in chunks {
        if let Some(at_once) = options.workers {
            task.wait_for_fewer_than(at_once);
        }
        if let Err(error) = task.run(call(range)) {
            let mut results = task.get_all();
            results.push(Err(error));
            return all_or_first_error(results);
        }
    }
    task.get()
}

fn here<'i, R: 'static>(
    chunks: Vec<Range<usize>>,
    call: impl Fn(Range<usize>) -> Call<'i, R>,
    steps: &Steps,
) -> Result<Vec<R>> {
    let mut results = Vec::with_capacity(chunks.len());
    for range in chunks {
        let call = call(range.clone());
        allow_inline(false, &call)?;
        results.push(Handle::here(call).get());
        steps.add(ExactSizeIterator::len(&range));
    }
    all_or_first_error(results)
}

/// Counts each chunk as soon as it has settled.
fn as_they_settle<'i, R: 'static>(
    pool: &Pool,
    at_once: Option<usize>,
    chunks: &[Range<usize>],
    call: impl Fn(Range<usize>) -> Call<'i, R>,
    steps: &Steps,
) -> Result<Vec<R>> {
    let mut calls = pool.map_unordered(chunks.iter().cloned().map(call));
    if let Some(at_once) = at_once {
        calls = calls.in_flight(at_once);
    }
    let mut results: Vec<_> = chunks.iter().map(|_| Err(Error::Closed)).collect();
    for (at, result) in calls.indexed() {
        steps.add(ExactSizeIterator::len(&chunks[at]));
        results[at] = result;
    }
    all_or_first_error(results)
}

impl ParOptions<'_> {
    fn check(&self) -> Result<()> {
        if let Some(share) = self.max_load_average {
            load::check(share).map_err(|why| Error::config("max_load_average", why))?;
        }
        for (name, value) in [("ranges", self.ranges), ("workers", self.workers)] {
            if value == Some(0) {
                return Err(Error::config(
                    name,
                    "0 would run nothing; leave the option out or write at least 1",
                ));
            }
        }
        if self.ranges.is_some() && self.min_range_size.is_some() {
            return Err(Error::config(
                "ranges",
                "`ranges` and `min_range_size` contradict each other; give one",
            ));
        }
        Ok(())
    }

    fn chunks(&self, bounds: Range<usize>, workers: usize) -> Vec<Range<usize>> {
        let len = ExactSizeIterator::len(&bounds);
        let count = match (self.ranges, self.min_range_size) {
            (Some(count), _) => count.min(len),
            (None, Some(least)) => default_count(len, workers, least),
            (None, None) => default_count(len, workers, 1),
        };
        balanced(bounds, count)
    }
}
