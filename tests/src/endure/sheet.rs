//! What the subjects print: aligned columns, and what is told of many measurements.

use std::fmt;
use std::time::Duration;

/// Rows of text under a heading; the first columns are text, the others numbers.
#[derive(Debug)]
pub struct Sheet {
    texts: usize,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    /// One with this heading, whose first `texts` columns are text.
    pub fn new(texts: usize, heading: &[&str]) -> Sheet {
        Sheet { texts, rows: vec![heading.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row; a row of one cell stands across all columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl ToString>) {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            let cells = self.rows.iter().filter(|row| row.len() > 1).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                match column < self.texts {
                    true if row.len() == 1 => line.push_str(cell),
                    true => line += &format!("{cell:<width$}  "),
                    false => line += &format!("{cell:>width$}  "),
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// One more.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many are no longer than this.
    pub fn within(&self, limit: Duration) -> usize {
        self.0.iter().filter(|&&time| time <= limit).count()
    }

    /// What such a share of them is below: 0.5 gives the one in the middle, 1 the longest. `None` where there is none.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [Option<Duration>; N] {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        shares.map(|share| sorted.get(((sorted.len() as f64 * share) as usize).min(last)).copied())
    }

    /// The one in the middle, in milliseconds.
    pub fn median(&self) -> String {
        let [median] = self.quantiles([0.5]);
        milliseconds(median)
    }

    /// The longest, in milliseconds.
    pub fn worst(&self) -> String {
        milliseconds(self.0.iter().max().copied())
    }
}

/// A time as it is printed here.
pub fn milliseconds(time: Option<Duration>) -> String {
    time.map_or("–".to_owned(), |time| format!("{:.3}", time.as_secs_f64() * 1e3))
}
