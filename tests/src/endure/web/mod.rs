//! The web application under load: workers are killed, and its visitors see nothing of it.
//!
//! The tool that makes the load is `hey` (Debian's package of that name). Beside it stand clients of our own, which
//! look at what it does not: headers, whole pages, `/healthz`; somebody who kills a worker each second; and somebody
//! who counts the database's connections.

mod beside;
mod client;
mod compare;
mod cost;
mod database;
mod hey;
mod load;
mod server;

use super::Verdict;
use super::plan::Plan;
use crate::watch::within;
use database::Database;
use server::build;

pub use server::play;

/// The application's worker processes,
const WORKERS: usize = 2;
/// and how many requests it has under way at once: four for each, which is also its default.
const LIMIT: usize = 4 * WORKERS;

pub(super) fn run(plan: &Plan, verdict: &mut Verdict) {
    if let Err(missing) = hey::find() {
        return verdict.must(false, || missing);
    }
    let program = within(1800, build);
    for kind in database::KINDS {
        let Some(database) = Database::new(kind) else {
            println!("{kind}: no server is installed here, so nothing is shown of it");
            continue;
        };
        if plan.compare {
            compare::run(plan, &program, &database, verdict);
        } else {
            load::run(plan, &program, &database, verdict);
        }
    }
    if plan.compare {
        print!("{}", compare::WHAT_IT_MEANS);
    }
}
