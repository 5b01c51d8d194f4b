//! `/report`: begin one, watch it, have it ended, read it.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Json, Router, routing};
use maud::{Markup, html};
use multicore::{JobState, Progress};
use serde::{Deserialize, Serialize};

use crate::app::{App, Shared};
use crate::layout::{live_page, page};
use crate::list::rows::money;
use crate::report::shelf::{Kept, Outcome};
use crate::report::task::Report;
use crate::trouble::Trouble;

const MOST_ROUNDS: u32 = 1_000_000;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/report", routing::get(overview).post(begin))
        .route("/report/{id}", routing::get(show))
        .route("/report/{id}/state", routing::get(state))
        .route("/report/{id}/cancel", routing::post(cancel))
}

async fn overview(State(app): Shared) -> Markup {
    let body = html! {
        h1 { "Report" }
        p {
            "How much do the users of each city spend, and how far can that be trusted? The users of a city are "
            "drawn anew, thousands of times. That takes a while, so it is done in the background; this page answers "
            "at once."
        }
        form.row #report-form action="/report" method="post" {
            div {
                label for="rounds" { "Draws" }
                select #rounds name="rounds" {
                    option value="2000" { "2 000: a moment" }
                    option value="100000" selected { "100 000: a few seconds" }
                    option value="1000000" { "1 000 000: half a minute" }
                }
            }
            button { "Generate report" }
        }
        @let reports = app.reports.all();
        @if !reports.is_empty() {
            h2 { "Reports so far" }
            ul.reports {
                @for kept in reports.iter().take(20) {
                    li {
                        a href={ "/report/" (kept.job.id()) } { "Report " code { (short(kept)) } } " " (kept.state())
                    }
                }
            }
        }
    };
    page("Report", "/report", body)
}

#[derive(Deserialize)]
struct Asked {
    rounds: String,
}

/// Answers at once, with where to look.
async fn begin(State(app): Shared, asked: Result<Form<Asked>, FormRejection>) -> Result<Redirect, Trouble> {
    let asked = asked.map_err(|error| Trouble::bad(error.body_text()))?;
    let rounds: u32 = asked.rounds.trim().parse().unwrap_or(0);
    if !(1..=MOST_ROUNDS).contains(&rounds) {
        return Err(Trouble::bad(format!("The number of draws is from 1 to {MOST_ROUNDS}.")));
    }
    // Sending a job may wait for a slot, where the pool is full.
    let id = app.apart(move |app| app.reports.begin(&app.pool, rounds)).await?;
    Ok(Redirect::to(&format!("/report/{id}")))
}

fn find(app: &App, id: &str) -> Result<Arc<Kept>, Trouble> {
    let kept = id.parse().ok().and_then(|id| app.reports.find(id));
    kept.ok_or_else(|| Trouble::missing("There is no report of this number, or it is no longer kept."))
}

async fn show(State(app): Shared, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let kept = find(&app, &id)?;
    let title = html! { h1 { "Report " code { (short(&kept)) } } };
    Ok(match kept.outcome() {
        Some(outcome) => page(
            "Report",
            "/report",
            html! { (title) (finished(&outcome)) p { a href="/report" { "Another report" } } },
        ),
        None => live_page("Report", "/report", 2, html! { (title) (under_way(&kept)) }),
    })
}

/// The first letters of its ID, as a name for people.
fn short(kept: &Kept) -> String {
    kept.job.id().to_string().chars().take(8).collect()
}

fn under_way(kept: &Kept) -> Markup {
    let look = Look::of(kept);
    let to = format!("/report/{}", kept.job.id());
    html! {
        div.live data-watch={ (to) "/state" } {
            p #report-state role="status" aria-live="polite" { (look.state) }
            label for="report-bar" { "Progress" }
            progress #report-bar max="100" value=(look.percent) { (look.percent) " %" }
            p.now aria-hidden="true" { span #report-percent { (look.percent) " %" } " " span #report-message { (look.message) } }
            form action={ (to) "/cancel" } method="post" { button.quiet #report-cancel { "Cancel" } }
        }
    }
}

fn finished(outcome: &Outcome) -> Markup {
    match outcome {
        Outcome::Written(report) => html! {
            p #report-state role="status" { "done" }
            section #report-result aria-label="The report" { (written(report)) }
        },
        Outcome::Cancelled => {
            html! { p #report-state role="status" { "cancelled: it was ended, and there is no report." } }
        }
        Outcome::Failed(why) => html! {
            p #report-state role="status" { "failed" }
            p.error role="alert" { "There is no report: " (why) "." }
        },
    }
}

fn written(report: &Report) -> Markup {
    html! {
        p {
            "What " (report.users) " users spend on average, by city, with the bounds of 95 % from "
            (report.rounds) " draws for each. Worker " (report.process) " wrote it."
        }
        table {
            caption.hidden { "Spending by city" }
            thead { tr {
                th scope="col" { "City" } th.number.wide scope="col" { "Users" } th.number scope="col" { "Mean" }
                th.number scope="col" { "from" } th.number scope="col" { "to" }
            } }
            tbody {
                @for city in &report.cities {
                    tr {
                        th scope="row" { (city.name) } td.number.wide { (city.users) } td.number { (money(city.mean)) }
                        td.number { (money(city.bounds.0)) } td.number { (money(city.bounds.1)) }
                    }
                }
            }
        }
    }
}

/// What the script asks for, again and again.
#[derive(Serialize)]
struct Look {
    state: JobState,
    percent: u64,
    message: String,
    finished: bool,
}

impl Look {
    fn of(kept: &Kept) -> Look {
        let state = kept.state();
        let Progress { message, .. } = kept.job.progress().unwrap_or_default();
        let fraction = kept.job.progress().unwrap_or_default().fraction();
        let percent = if state == JobState::Done { 100 } else { (100.0 * fraction) as u64 };
        Look { state, percent, message, finished: state.is_finished() }
    }
}

async fn state(State(app): Shared, Path(id): Path<String>) -> Result<Response, Trouble> {
    Ok(Json(Look::of(&*find(&app, &id)?)).into_response())
}

/// A worker that runs it is ended, and another one takes its place; its page says what became of it.
async fn cancel(State(app): Shared, Path(id): Path<String>) -> Result<Redirect, Trouble> {
    let kept = find(&app, &id)?;
    kept.job.cancel();
    app.apart(move |_| {
        kept.job.wait_timeout(std::time::Duration::from_secs(1));
        Ok(Redirect::to(&format!("/report/{}", kept.job.id())))
    })
    .await
}
