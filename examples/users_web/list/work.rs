//! The work of the list: in parts, each with the connection of the process that makes it.

use std::ops::Range;
use std::time::{Duration, Instant};

use multicore::{Error, par_ranges};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::connections;
use crate::database;
use crate::list::how::How;
use crate::list::rows::rows;
use crate::list::wanted::{Busy, Wanted};
use crate::trouble::Trouble;

/// A part of the table, and who made it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Chunk {
    pub(super) html: String,
    pub(super) users: usize,
    pub(super) process: u32,
    pub(super) took: Duration,
}

#[multicore::task(error = "text")]
fn part(places: Range<usize>) -> Result<Chunk, database::error::Error> {
    let (began, users) = (Instant::now(), places.len());
    let html = connections::read(|connection| rows(connection, places.clone()))?;
    Ok(Chunk { html, users, process: std::process::id(), took: began.elapsed() })
}

/// The same; once more in another worker where its own died. Such a call never runs in the server itself.
#[multicore::task(error = "text", retries = 3, timeout = "10s")]
fn part_apart(places: Range<usize>) -> Result<Chunk, database::error::Error> {
    part(places)
}

/// In the workers whatever the load.
pub(crate) fn in_workers(app: &App, places: Range<usize>) -> Result<Vec<Chunk>, Trouble> {
    let chunks = par_ranges!(places, part_apart, pool = &app.pool, ranges = 2 * app.pool.workers())?;
    Ok(chunks.into_iter().collect::<Result<_, _>>()?)
}

/// In the workers; and where the load guard says no, what the visitor has chosen.
pub(super) fn make(app: &App, wanted: &Wanted) -> Result<(How, Vec<Chunk>), Trouble> {
    let (places, pool) = (wanted.places(), &app.pool);
    let Some(share) = wanted.threshold else {
        return Ok((How::Parallel, in_workers(app, places)?));
    };
    let parts = 2 * pool.workers();
    let result = par_ranges!(places, part_apart, pool = pool, ranges = parts, max_load_average = share);
    let (how, chunks) = match (result, wanted.busy) {
        (Err(Error::Refused { .. }), Busy::Here) => {
            (How::Inline, par_ranges!(places, part, pool = pool, ranges = parts, inline = true)?)
        }
        (Err(Error::Refused { why, .. }), Busy::Refuse) => (How::Refused(why), Vec::new()),
        (chunks, _) => (How::Parallel, chunks?),
    };
    Ok((how, chunks.into_iter().collect::<Result<_, _>>()?))
}
