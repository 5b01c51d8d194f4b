//! A web application whose pages, reports and uploads run in worker processes, each with a database connection of
//! its own: `cargo run --release --example users_web`, and then http://127.0.0.1:8000/.
//!
//! ```text
//! browser ─▶ axum ─▶ limit.rs ─┬─▶ list/ ──────▶ par_ranges! ────┐
//!                              ├─▶ report/ ────▶ background job ─┼─▶ pool: connections (connections.rs)
//!                              ├─▶ health.rs ──▶ call ───────────┘
//!                              └─▶ upload/ ────▶ call ─────────────▶ pool: sandboxed
//! ```
//!
//! The users are in SQLite, in a temporary folder, or in the file that `--database` names; or in PostgreSQL, where
//! `DATABASE_URL` says so. `--help` lists the options, and `--demo` lets visitors end workers.

mod app;
mod compare;
mod connections;
mod database;
mod health;
mod layout;
mod limit;
mod list;
mod options;
mod pools;
mod report;
mod serve;
mod trouble;
mod upload;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use multicore::Pool;

use crate::app::App;
use crate::connections::db;
use crate::options::{OPTIONS, Options, Wrong};

/// The first thing that a worker's connection is used for; how many users there are.
#[multicore::task(error = "text", retries = 3)]
fn prepare() -> Result<usize, database::error::Error> {
    db::with(|connection| connection.prepare())?
}

fn main() -> ExitCode {
    let options = match OPTIONS.as_ref() {
        Ok(options) => options,
        Err(Wrong::Help) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("users_web: {wrong}");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("users_web: {}", database::error::told(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &'static Options) -> Result<(), Box<dyn Error>> {
    // The pools before the runtime: workers inherit nothing of it.
    let pool = Pool::builder().workers(options.workers).shutdown_timeout(options.shutdown_timeout).build()?;
    let uploads = upload::task::pool()?;
    let users =
        pool.spawn(prepare::call())?.get()?.map_err(|error| format!("{}: {error}", options.database))?;
    let app = Arc::new(App {
        options,
        pool,
        uploads,
        users,
        reports: Default::default(),
        rivals: compare::rivals::Rivals::new(&options.database, options.workers),
        draining: false.into(),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let served = serve::serve(app.clone()).await;
        // Still with the runtime, which looks out for a second signal.
        app.apart(App::end).await.map(|()| served)
    });
    // What still blocks a thread has been refused by its pool.
    runtime.shutdown_background();
    served?.map_err(|error| format!("{}: {error}", options.listen).into())
}
