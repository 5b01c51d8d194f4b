//! The work of a report: how far what customers spend in each city can be trusted.

use serde::{Deserialize, Serialize};

use crate::{connections, database};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) rounds: u32,
    pub(crate) users: usize,
    pub(crate) cities: Vec<City>,
    /// The worker that wrote it.
    pub(crate) process: u32,
}

/// What the users of a city spend, in cents.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct City {
    pub(crate) name: String,
    pub(crate) users: usize,
    pub(crate) mean: f64,
    /// Within these bounds the true mean is, 95 times of 100.
    pub(crate) bounds: (f64, f64),
}

/// Draws the users of each city anew, `rounds` times, and sees how much their mean moves (a bootstrap).
#[multicore::task(error = "text", retries = 1)]
pub(crate) fn report(rounds: u32) -> Result<Report, database::error::Error> {
    multicore::progress(0, 0, "reading the orders");
    // The connection is given back before the long part begins.
    let spent = connections::read(|connection| connection.spent())?;
    let groups: Vec<_> = spent.chunk_by(|one, other| one.0 == other.0).collect();
    let total = groups.len() as u64 * u64::from(rounds);
    let mut cities = Vec::new();
    for (done, group) in groups.iter().enumerate() {
        let (name, done) = (&group[0].0, done as u64 * u64::from(rounds));
        multicore::breadcrumb(name);
        let amounts: Vec<f64> = group.iter().map(|(_, cents)| *cents as f64).collect();
        let bounds =
            bounds(&amounts, rounds, |round| multicore::progress(done + u64::from(round), total, name));
        cities.push(City { name: name.clone(), users: amounts.len(), mean: mean(amounts.iter()), bounds });
        if multicore::cancelled() {
            break;
        }
    }
    multicore::progress(total, total, "written");
    Ok(Report { rounds, users: spent.len(), cities, process: std::process::id() })
}

/// Ends early where the call is to end: nobody gets the result then.
fn bounds(amounts: &[f64], rounds: u32, say: impl Fn(u32)) -> (f64, f64) {
    let mut random = fastrand::Rng::with_seed(95);
    let mut means = Vec::new();
    for round in 0..rounds {
        if multicore::cancelled() {
            break;
        }
        say(round);
        means.push(mean((0..amounts.len()).map(|_| &amounts[random.usize(..amounts.len())])));
    }
    means.sort_by(f64::total_cmp);
    let at = |part: usize| means.get(means.len() * part / 1000).copied().unwrap_or(0.0);
    (at(25), at(975))
}

fn mean<'a>(amounts: impl ExactSizeIterator<Item = &'a f64>) -> f64 {
    let count = amounts.len().max(1);
    amounts.sum::<f64>() / count as f64
}
