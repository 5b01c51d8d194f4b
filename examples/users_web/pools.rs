//! `/pool`: what the workers of both pools do.

use std::time::Duration;

use axum::extract::State;
use maud::{Markup, html};
use multicore::{Histogram, Pool, Stats};

use crate::app::{App, Shared};
use crate::layout::live_page;

pub(crate) async fn show(State(app): Shared) -> Markup {
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
pub(crate) async fn live(State(app): Shared) -> Markup {
    look(&app)
}

fn look(app: &App) -> Markup {
    let pools = [("Pages and reports", &app.pool), ("Uploads, sandboxed", &app.uploads)];
    let stats = pools.map(|(name, pool)| (name, pool.stats()));
    html! {
        table #workers {
            caption { "Workers" }
            thead { tr {
                th scope="col" { "Process" } th scope="col" { "Doing" } th.number scope="col" { "Calls" }
                th.number.wide scope="col" { "Busy" } th.number.wide scope="col" { "Age" } th.number scope="col" { "Restarts" }
            } }
            @for ((name, pool), (_, stats)) in pools.iter().zip(&stats) {
                tbody {
                    tr { th.group scope="rowgroup" colspan="6" { (name) } }
                    (workers(pool, stats))
                }
            }
        }
        (table(&stats))
    }
}

fn workers(pool: &Pool, stats: &Stats) -> Markup {
    let state = pool.state();
    html! {
        @for (worker, stats) in state.workers.iter().zip(&stats.workers) {
            tr {
                th scope="row" { @if let Some(pid) = worker.pid { (pid) } @else { "being replaced" } }
                td {
                    @match worker.task {
                        Some(task) => { code { (task.rsplit("::").next().unwrap_or(task)) } @if let Some(crumb) = &worker.breadcrumb { " " (crumb) } },
                        None => span.idle { "idle" },
                    }
                }
                td.number { (stats.calls) }
                td.number.wide { (seconds(stats.busy)) }
                td.number.wide { (seconds(stats.age)) }
                td.number { (stats.restarts.all()) }
            }
        }
    }
}

/// One row for each number, one column for each pool.
fn table(stats: &[(&str, Stats); 2]) -> Markup {
    let row = |name: &str, tell: &dyn Fn(&Stats) -> String| {
        html! { tr { th scope="row" { (name) } @for (_, stats) in stats { td.number { (tell(stats)) } } } }
    };
    html! {
        table #stats {
            caption { "Since the start" }
            thead { tr { th scope="col" { "" } @for (name, _) in stats { th.number scope="col" { (name) } } } }
            tbody {
                (row("Calls", &|stats| stats.calls.accepted().to_string()))
                (row("queued", &|stats| stats.calls.queued.to_string()))
                (row("running", &|stats| stats.calls.running.to_string()))
                (row("done", &|stats| stats.calls.done.to_string()))
                (row("cancelled", &|stats| stats.calls.cancelled.to_string()))
                (row("out of time", &|stats| stats.calls.timed_out.to_string()))
                (row("worker died", &|stats| stats.calls.died.to_string()))
                (row("Waited, median and 99 %", &|stats| times(&stats.queue_wait)))
                (row("Ran, median and 99 %", &|stats| times(&stats.run_time)))
                (row("Workers busy", &|stats| format!("{:.0} %", 100.0 * stats.utilisation())))
                (row("Workers replaced", &|stats| stats.restarts.all().to_string()))
                (row("after death", &|stats| stats.restarts.died.to_string()))
                (row("out of time", &|stats| stats.restarts.timed_out.to_string()))
                (row("for freshness", &|stats| stats.restarts.recycled.to_string()))
                (row("Sent and received", &|stats| format!("{} and {} kB", stats.bytes_sent / 1000, stats.bytes_received / 1000)))
            }
        }
    }
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
