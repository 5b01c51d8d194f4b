//! `/pool`: what the workers of both pools do.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Redirect;
use axum::{Router, routing};
use maud::{Markup, html};
use multicore::{Histogram, ResourceStats, Stats, WorkerState, WorkerStats};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;

use crate::app::{App, Shared};
use crate::layout::live_page;
use crate::trouble::Trouble;

/// Ending a worker is for demonstrations alone.
pub(crate) fn routes(demo: bool) -> Router<Arc<App>> {
    let routes = Router::new().route("/pool", routing::get(show)).route("/pool/live", routing::get(live));
    if demo { routes.route("/pool/end", routing::post(end)) } else { routes }
}

async fn show(State(app): Shared) -> Markup {
    let body = html! {
        h1 { "Pools" }
        p.row.help {
            label { input #refresh type="checkbox" checked; " Look again each second" }
        }
        div #pool-live data-refresh="/pool/live" { (look(&app)) }
    };
    live_page("Pools", "/pool", 3, body)
}

/// The part of the page that changes, for the script.
async fn live(State(app): Shared) -> Markup {
    look(&app)
}

#[derive(Deserialize)]
struct Ended {
    process: i32,
}

/// Kills a worker of one of the pools, as a crash would. Between the look and the signal it may have ended by itself,
/// and its number might be another process's by then: not for a server that anybody depends on.
async fn end(State(app): Shared, ended: Result<Form<Ended>, FormRejection>) -> Result<Redirect, Trouble> {
    let Form(Ended { process }) = ended.map_err(|error| Trouble::bad(error.body_text()))?;
    let states = [app.pool.state(), app.uploads.state()];
    if !states.iter().flat_map(|state| &state.workers).any(|worker| worker.pid == Some(process)) {
        return Err(Trouble::missing("No worker has this number any more."));
    }
    kill(Pid::from_raw(process), Signal::SIGKILL).map_err(Trouble::ours)?;
    Ok(Redirect::to("/pool"))
}

fn look(app: &App) -> Markup {
    let pools = [("Pages and reports", &app.pool), ("Uploads, sandboxed", &app.uploads)];
    let stats = pools.map(|(name, pool)| (name, pool.stats()));
    html! {
        table #workers {
            caption { "Workers" }
            thead {
                tr {
                    th scope="col" rowspan="2" { "Process" }
                    th scope="col" rowspan="2" { "Doing" }
                    th.number scope="col" rowspan="2" { "Calls" }
                    th.number.wide scope="col" rowspan="2" { "Busy" }
                    th.number.wide scope="col" rowspan="2" { "Age" }
                    th.wide.middle scope="colgroup" colspan="4" { "Its connections" }
                    th.number scope="col" rowspan="2" { "Restarts" }
                    @if app.options.demo { th scope="col" rowspan="2" { "End it" } }
                }
                tr {
                    @for name in ["made", "reused", "checked", "replaced"] { th.number.wide scope="col" { (name) } }
                }
            }
            @for ((name, pool), (_, stats)) in pools.iter().zip(&stats) {
                tbody {
                    tr { th.group scope="rowgroup" colspan="11" { (name) } }
                    @for (worker, stats) in pool.state().workers.iter().zip(&stats.workers) {
                        (row(worker, stats, app.options.demo))
                    }
                }
            }
        }
        (table(&stats))
    }
}

fn row(worker: &WorkerState, stats: &WorkerStats, demo: bool) -> Markup {
    let ResourceStats { made, reused, checked, replaced, .. } = stats.resources;
    html! {
        tr {
            th scope="row" { @if let Some(pid) = worker.pid { (pid) } @else { "being replaced" } }
            td {
                @match worker.task {
                    Some(task) => {
                        code { (task.rsplit("::").next().unwrap_or(task)) }
                        @if let Some(crumb) = &worker.breadcrumb { " " (crumb) }
                    },
                    None => span.idle { "idle" },
                }
            }
            td.number { (stats.calls) }
            td.number.wide { (seconds(stats.busy)) }
            td.number.wide { (seconds(stats.age)) }
            @for count in [made, reused, checked, replaced] { td.number.wide { (count) } }
            td.number { (stats.restarts.all()) }
            @if demo {
                td {
                    @if let Some(pid) = worker.pid {
                        form action="/pool/end" method="post" {
                            button.quiet name="process" value=(pid) aria-label={ "End worker " (pid) } { "End" }
                        }
                    }
                }
            }
        }
    }
}

/// One row for each number, one column for each pool.
fn table(stats: &[(&str, Stats); 2]) -> Markup {
    let row = |name: &str, tell: &dyn Fn(&Stats) -> String| {
        html! {
            tr { th scope="row" { (name) } @for (_, stats) in stats { td.number { (tell(stats)) } } }
        }
    };
    html! {
        table #stats {
            caption { "Since the start" }
            thead {
                tr { th scope="col" { "What" } @for (name, _) in stats { th.number scope="col" { (name) } } }
            }
            tbody {
                (row("Calls", &|stats| stats.calls.accepted().to_string()))
                (row("… queued", &|stats| stats.calls.queued.to_string()))
                (row("… running", &|stats| stats.calls.running.to_string()))
                (row("… done", &|stats| stats.calls.done.to_string()))
                (row("… cancelled", &|stats| stats.calls.cancelled.to_string()))
                (row("… out of time", &|stats| stats.calls.timed_out.to_string()))
                (row("… whose worker died", &|stats| stats.calls.died.to_string()))
                (row("Waited: median, 99 %", &|stats| times(&stats.queue_wait)))
                (row("Ran: median, 99 %", &|stats| times(&stats.run_time)))
                (row("Workers busy", &|stats| format!("{:.0} %", 100.0 * stats.utilisation())))
                (row("Workers replaced", &|stats| stats.restarts.all().to_string()))
                (row("… that died", &|stats| stats.restarts.died.to_string()))
                (row("… out of time", &|stats| stats.restarts.timed_out.to_string()))
                (row("… cancelled", &|stats| stats.restarts.cancelled.to_string()))
                (row("… after each file", &|stats| stats.restarts.recycled.to_string()))
                (row("Connections made", &|stats| stats.resources().made.to_string()))
                (row("Sent, received", &|stats| moved(stats)))
            }
        }
    }
}

fn moved(stats: &Stats) -> String {
    format!("{} kB, {} kB", stats.bytes_sent / 1000, stats.bytes_received / 1000)
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..100 => format!("{:.1} s", time.as_secs_f64()),
        all => format!("{all} s"),
    }
}

fn times(histogram: &Histogram) -> String {
    if histogram.is_empty() {
        return "–".to_owned();
    }
    format!("{:.1?}, {:.1?}", histogram.quantile(0.5), histogram.quantile(0.99))
}
