//! `/compare`, and the list as each way makes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, html};

use crate::app::{App, Shared};
use crate::layout::page;
use crate::list::how::millis;
use crate::list::page::table;
use crate::list::wanted::Wanted;
use crate::list::work::in_workers;
use crate::trouble::Trouble;

const OURS: (&str, &str) = ("/", "worker processes, each with a connection");
const ONE: (&str, &str) = ("/compare/one-thread", "one thread, a connection for each request");
const MANY: (&str, &str) = ("/compare/thread-pool", "a pool of threads with a pool of connections");

const WAYS: [(&str, &str); 3] = [OURS, ONE, MANY];

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/compare", get(compare))
        .route(ONE.0, get(one_thread))
        .route(MANY.0, get(thread_pool))
}

async fn one_thread(State(app): Shared, wanted: Wanted) -> Result<Markup, Trouble> {
    let began = Instant::now();
    let rows = app.rivals.one_thread(wanted.places()).await?;
    Ok(show(ONE, &wanted, rows, began.elapsed()))
}

async fn thread_pool(State(app): Shared, wanted: Wanted) -> Result<Markup, Trouble> {
    let began = Instant::now();
    let places = wanted.places();
    let rows = app.apart(move |app| app.rivals.thread_pool(places)).await?;
    Ok(show(MANY, &wanted, rows, began.elapsed()))
}

fn show((path, what): (&str, &str), wanted: &Wanted, rows: String, took: Duration) -> Markup {
    let body = html! {
        h1 { "Users, without processes" }
        section #how.how aria-label="How this page was made" {
            p { (wanted.places().len()) " users in " strong { (millis(took)) } " by " (what) "." }
        }
        (table(rows))
        (wanted.pages(path))
    };
    page("Compare", "/compare", body)
}

/// How often each way is taken; the middle one counts.
const TIMES: usize = 5;

/// Makes the list in each way, one after the other, and says how long that took.
async fn compare(State(app): Shared, wanted: Wanted) -> Result<Markup, Trouble> {
    let mut took = [const { Vec::new() }; 3];
    for _ in 0..TIMES {
        let (began, places) = (Instant::now(), wanted.places());
        app.apart(move |app| in_workers(app, places)).await?;
        took[0].push(began.elapsed());

        let began = Instant::now();
        app.rivals.one_thread(wanted.places()).await?;
        took[1].push(began.elapsed());

        let (began, places) = (Instant::now(), wanted.places());
        app.apart(move |app| app.rivals.thread_pool(places)).await?;
        took[2].push(began.elapsed());
    }
    let middle = took.map(|mut times| {
        times.sort();
        times[TIMES / 2]
    });
    Ok(page("Compare", "/compare", told(&wanted, middle)))
}

fn told(wanted: &Wanted, took: [Duration; 3]) -> Markup {
    html! {
        h1 { "Compare" }
        p {
            "The same " (wanted.places().len()) " users, made just now in three ways by turns: the middle of "
            (TIMES) " times, for a single visitor."
        }
        table #compared {
            caption.hidden { "How long each way took" }
            thead { tr { th scope="col" { "By" } th.number scope="col" { "Took" } } }
            tbody {
                @for ((path, what), took) in WAYS.iter().zip(took) {
                    tr {
                        th scope="row" { a href={ (path) "?" (wanted.query(1)) } { (what) } }
                        td.number { (millis(took)) }
                    }
                }
            }
        }
        p {
            "With " a href="/compare?size=50" { "50 users" } ", " a href="/compare?size=1000" { "1000" } ", "
            a href="/compare?size=5000" { "5000" }
        }
        h2 { "What processes cost" }
        ul {
            li {
                "Each call travels to another process and back: some microseconds, and a copy of the HTML. "
                "A page of few users is made sooner right here."
            }
            li { "Each worker has memory of its own: its connection, its caches, its copy of whatever it loads." }
            li {
                "For safe Rust like this threads are as fast and simpler. Where nothing of what follows matters to "
                "you, take them."
            }
        }
        h2 { "What they buy" }
        ul {
            li { "One page is made on all cores, not only many pages side by side." }
            li {
                "A crash or an endless loop costs one call; try it under " a href="/upload" { "Upload" }
                ". On a thread it costs the server."
            }
            li {
                "A report can be cancelled while it computes, and a page has a time limit that is kept. "
                "No thread can be ended."
            }
            li {
                "As many connections as workers, whatever the visitors do; each is closed with its worker. "
                "(Only what is rendered inline has one of the server’s own thread.)"
            }
        }
    }
}
