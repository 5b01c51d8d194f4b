//! `/`: the users, rendered in parallel where the load guard allows it.

use std::ops::Range;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use maud::{Markup, html};
use multicore::{Error, par_ranges};
use serde::{Deserialize, Serialize};

use crate::app::{App, Shared};
use crate::connections::db;
use crate::database;
use crate::layout::{page, ready};
use crate::rows::rows;
use crate::trouble::Trouble;
use crate::wanted::{Busy, Wanted};

/// A part of the table, and who made it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Chunk {
    html: String,
    users: usize,
    process: u32,
    took: Duration,
}

/// Makes a part of the table, with the connection of the process that it runs in.
#[multicore::task(error = "text")]
fn part(places: Range<usize>) -> Result<Chunk, database::error::Error> {
    let (began, users) = (Instant::now(), places.len());
    let html = db::with(|connection| rows(connection, places))??;
    Ok(Chunk { html, users, process: std::process::id(), took: began.elapsed() })
}

/// The same; once more in another worker where its own died. Such a call never runs in the server itself.
#[multicore::task(error = "text", retries = 3, timeout = "10s")]
fn part_apart(places: Range<usize>) -> Result<Chunk, database::error::Error> {
    part(places)
}

/// Where the table was made.
enum How {
    Parallel,
    /// In the server's own process, one part after another.
    Inline,
    Refused(String),
}

pub(crate) async fn list(State(app): Shared, wanted: Wanted) -> Result<(StatusCode, Markup), Trouble> {
    app.apart(move |app| {
        let began = Instant::now();
        let (how, chunks) = make(app, &wanted)?;
        let status = if let How::Refused(_) = how { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        Ok((status, show(&wanted, &how, &chunks, began.elapsed())))
    })
    .await
}

/// In the workers whatever the load.
pub(crate) fn in_workers(app: &App, places: Range<usize>) -> Result<Vec<Chunk>, Trouble> {
    let chunks = par_ranges!(places, part_apart, pool = &app.pool, ranges = 2 * app.pool.workers())?;
    Ok(chunks.into_iter().collect::<Result<_, _>>()?)
}

/// In the workers; and where the load guard says no, what the visitor has chosen.
fn make(app: &App, wanted: &Wanted) -> Result<(How, Vec<Chunk>), Trouble> {
    let (places, pool) = (wanted.places(), &app.pool);
    let parts = 2 * pool.workers();
    let result = match wanted.threshold {
        Some(share) => par_ranges!(places, part_apart, pool = pool, ranges = parts, max_load_average = share),
        None => par_ranges!(places, part_apart, pool = pool, ranges = parts),
    };
    let (how, results) = match (result, wanted.busy) {
        (Err(Error::Refused { .. }), Busy::Here) => {
            (How::Inline, par_ranges!(places, part, pool = pool, ranges = parts, inline = true)?)
        }
        (Err(Error::Refused { why, .. }), Busy::Refuse) => (How::Refused(why), Vec::new()),
        (results, _) => (How::Parallel, results?),
    };
    Ok((how, results.into_iter().collect::<Result<_, _>>()?))
}

fn show(wanted: &Wanted, how: &How, chunks: &[Chunk], took: Duration) -> Markup {
    let body = html! {
        h1 { "Users" }
        (wanted.form())
        (told(how, chunks, took))
        @if !matches!(how, How::Refused(_)) {
            (table(chunks.iter().map(|chunk| &*chunk.html).collect()))
            (wanted.pages("/"))
        }
    };
    page("Users", "/", body)
}

fn told(how: &How, chunks: &[Chunk], took: Duration) -> Markup {
    let mut processes: Vec<_> = chunks.iter().map(|chunk| chunk.process).collect();
    processes.sort_unstable();
    processes.dedup();
    let users: usize = chunks.iter().map(|chunk| chunk.users).sum();
    let sum = html! { (users) " users in " (chunks.len()) " chunks, in " strong { (millis(took)) } };
    html! {
        section #how.how data-how=(how.word()) aria-label="How this page was made" {
            @match how {
                How::Parallel => p {
                    span.badge.good { "parallel" } " " (sum) " by "
                    @if let [one] = &processes[..] { "worker " (one) } @else { (processes.len()) " workers (" (list_of(&processes)) ")" } "."
                },
                How::Inline => p {
                    span.badge.fair { "inline" } " " (sum) " by the server itself (" (list_of(&processes))
                    "), one after another: the load guard said no to the workers."
                },
                How::Refused(why) => p role="alert" {
                    span.badge.bad { "refused" } " The load guard said no, and you chose not to have it done by the server: "
                    (why) ". Later, or with another threshold, it works."
                },
            }
            @if !chunks.is_empty() {
                details {
                    summary { "Each chunk" }
                    table {
                        caption.hidden { "Chunks of this page" }
                        thead { tr { th scope="col" { "Chunk" } th scope="col" { "Users" } th scope="col" { "Process" } th scope="col" { "Took" } } }
                        tbody {
                            @for (number, chunk) in (1..).zip(chunks) {
                                tr { th scope="row" { (number) } td.number { (chunk.users) } td.number { (chunk.process) } td.number { (millis(chunk.took)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

impl How {
    fn word(&self) -> &'static str {
        match self {
            How::Parallel => "parallel",
            How::Inline => "inline",
            How::Refused(_) => "refused",
        }
    }
}

/// The table around its rows.
pub(crate) fn table(rows: String) -> Markup {
    html! {
        table #users {
            caption.hidden { "Users, their orders and what they spent" }
            thead {
                tr {
                    th.wide scope="col" { "No." }
                    th scope="col" { "Name" }
                    th.wide scope="col" { "City" }
                    th.number scope="col" { "Orders" }
                    th.number scope="col" { "Spent" }
                    th.wide scope="col" { "Months" }
                }
            }
            tbody { (ready(rows)) }
        }
    }
}

pub(crate) fn millis(took: Duration) -> String {
    format!("{:.1} ms", 1000.0 * took.as_secs_f64())
}

fn list_of(processes: &[u32]) -> String {
    processes.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
