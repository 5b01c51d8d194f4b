//! J2, J8 and batches: many small calls under way at once.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;

use crate::contenders::{Contender, Crew, Setting, same, timed};
use crate::figure::{Figure, median};
use crate::work;

/// Tasks of J2; fewer for whoever needs longer than [`PATIENCE`].
const TASKS: u64 = 100_000;
/// As many tell how long all would take.
const TRIAL: u64 = 2_000;
const PATIENCE: Duration = Duration::from_secs(3);
const IN_FLIGHT: u64 = 1000;
const CHUNKS: u64 = 16;

pub(super) fn tiny(contender: Contender) -> Result<Vec<Figure>> {
    let mut crew = contender.start(&Setting::default())?;
    // The first calls pay for a cold pool; the second trial tells.
    each(&mut *crew, TRIAL)?;
    let trial = each(&mut *crew, TRIAL)?;
    let affordable = TRIAL as f64 * PATIENCE.as_secs_f64() / trial.as_secs_f64();
    let tasks = (affordable as u64).clamp(TRIAL, TASKS);
    let time = each(&mut *crew, tasks)?;
    let chunks = work::equal_parts(TASKS, CHUNKS);
    let mut chunked = || {
        let (time, sum) = timed(|| crew.chunked(&chunks))?;
        same(sum, sum_of_next(TASKS))?;
        Ok::<_, anyhow::Error>(time.as_secs_f64())
    };
    chunked()?;
    let times = (0..21).map(|_| chunked()).collect::<Result<Vec<_>>>()?;
    let in_chunks = Duration::from_secs_f64(median(times).unwrap_or_default());
    Ok(vec![Figure::rate("each", tasks, time), Figure::rate("16 chunks", TASKS, in_chunks)])
}

fn each(crew: &mut dyn Crew, tasks: u64) -> Result<Duration> {
    let (time, sum) = timed(|| crew.each(tasks, IN_FLIGHT))?;
    same(sum, sum_of_next(tasks))?;
    Ok(time)
}

/// Of n + 1 for all n below this.
fn sum_of_next(tasks: u64) -> u64 {
    tasks * (tasks + 1) / 2
}

pub(super) fn batches(contender: Contender) -> Result<Vec<Figure>> {
    let mut crew = contender.start(&Setting::default())?;
    let mut figures = Vec::new();
    for (part, micros) in [("1 us", 1), ("10 us", 10)] {
        figures.push(speed_up(&mut *crew, part, 1000, Duration::from_micros(micros), 15)?);
    }
    Ok(figures)
}

pub(super) fn a_million(contender: Contender) -> Result<Vec<Figure>> {
    let mut crew = contender.start(&Setting::default())?;
    Ok(vec![speed_up(&mut *crew, "", 1_000_000, Duration::from_micros(1), 1)?])
}

/// One after another against all at once, in turns.
fn speed_up(crew: &mut dyn Crew, part: &str, calls: usize, length: Duration, turns: usize) -> Result<Figure> {
    let turns_each = work::turns_in(length);
    crew.burn(100, turns_each)?;
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let (time, ()) = timed(|| {
            for _ in 0..calls {
                black_box(work::burn(black_box(turns_each)));
            }
            Ok(())
        })?;
        alone.push(time.as_secs_f64());
        together.push(timed(|| crew.burn(calls, turns_each))?.0.as_secs_f64());
    }
    let middle = |times| Duration::from_secs_f64(median(times).unwrap_or_default());
    Ok(Figure::speed_up(part, middle(alone), middle(together)))
}
