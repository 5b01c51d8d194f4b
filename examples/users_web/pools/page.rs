//! The page: each worker, and the sums.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::{Router, routing};
use maud::{Markup, html};
use multicore::{ResourceStats, WorkerState, WorkerStats};

use crate::app::{App, Shared};
use crate::layout::live_page;
use crate::pools::end::end;
use crate::pools::sums::table;

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
                    tr { th.group scope="rowgroup" colspan=(if app.options.demo { 11 } else { 10 }) { (name) } }
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
    // None before its first use, and never where the sandbox has none.
    let none = stats.resources == ResourceStats::default();
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
            @for count in [made, reused, checked, replaced] {
                td.number.wide { @if none { "–" } @else { (count) } }
            }
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

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..100 => format!("{:.1} s", time.as_secs_f64()),
        all => format!("{all} s"),
    }
}
