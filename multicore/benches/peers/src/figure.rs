//! One measured number, and how it goes from the process that measured it to the one that prints.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Thousands a second.
    Kps,
    /// Megabytes (10^6) a second.
    Mbps,
    /// KiB.
    Kib,
    /// Times as fast as one after another.
    Times,
}

const UNITS: [(Unit, &str); 6] = [
    (Unit::Kib, "KiB"),
    (Unit::Us, "us"),
    (Unit::Ms, "ms"),
    (Unit::Kps, "k/s"),
    (Unit::Mbps, "MB/s"),
    (Unit::Times, "x"),
];

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(UNITS.iter().find(|(unit, _)| unit == self).map_or("", |(_, name)| name))
    }
}

/// A part of a job, and what was measured there.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Which part of the job; empty where it has one.
    pub part: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
}

impl Figure {
    fn new(part: &str, value: f64, unit: Unit) -> Figure {
        Figure { part: part.to_owned(), value, unit }
    }

    /// A time, shown in microseconds.
    pub fn us(part: &str, time: Duration) -> Figure {
        Figure::new(part, time.as_secs_f64() * 1e6, Unit::Us)
    }

    /// A time, shown in milliseconds.
    pub fn ms(part: &str, time: Duration) -> Figure {
        Figure::new(part, time.as_secs_f64() * 1e3, Unit::Ms)
    }

    /// So many in this time, shown in thousands a second.
    pub fn rate(part: &str, count: u64, time: Duration) -> Figure {
        Figure::new(part, count as f64 / time.as_secs_f64() / 1e3, Unit::Kps)
    }

    /// So many bytes in this time, shown in megabytes a second.
    pub fn bandwidth(part: &str, bytes: usize, time: Duration) -> Figure {
        Figure::new(part, bytes as f64 / time.as_secs_f64() / 1e6, Unit::Mbps)
    }

    /// Memory, in KiB.
    pub fn kib(part: &str, kib: f64) -> Figure {
        Figure::new(part, kib, Unit::Kib)
    }

    /// How many times as fast as `alone` this time is.
    pub fn speed_up(part: &str, alone: Duration, time: Duration) -> Figure {
        Figure::new(part, alone.as_secs_f64() / time.as_secs_f64(), Unit::Times)
    }

    /// Reads one line of what [`Display`](fmt::Display) wrote.
    pub fn parse(line: &str) -> Result<Figure> {
        let mut fields = line.split('\t');
        let mut field = || fields.next().with_context(|| format!("`{line}` is no figure"));
        let (part, value, unit) = (field()?.to_owned(), field()?.parse()?, field()?);
        let known = UNITS.iter().find(|(_, name)| *name == unit);
        let (unit, _) = *known.with_context(|| format!("`{unit}` is no unit"))?;
        Ok(Figure { part, value, unit })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}\t{}", self.part, self.value, self.unit)
    }
}

/// The value in the middle; `None` of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

/// The time in the middle, of as many turns of `run` as fit in `budget` and at least three; each turn
/// does `calls` things, and the result is the time for one.
pub fn median_time(budget: Duration, calls: u32, mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    let (start, mut times) = (std::time::Instant::now(), Vec::new());
    while times.len() < 3 || start.elapsed() < budget {
        let turn = std::time::Instant::now();
        run()?;
        times.push(turn.elapsed().as_secs_f64() / f64::from(calls));
    }
    Ok(Duration::from_secs_f64(median(times).unwrap_or_default()))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_figure_is_read_as_it_was_written() {
        for (unit, _) in UNITS {
            for part in ["", "64 MiB"] {
                let figure = Figure::new(part, 1.25, unit);
                assert_eq!(Figure::parse(&figure.to_string()).expect("a figure"), figure);
            }
        }
        for line in ["", "1 MiB\t1.5", "1 MiB\tfast\tus", "1 MiB\t1.5\tfurlongs"] {
            assert!(Figure::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_median_is_the_middle_or_lies_between_two() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0]), Some(3.0));
        assert_eq!(median([9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }
}
