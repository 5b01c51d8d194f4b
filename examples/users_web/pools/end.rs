//! For demonstrations: a worker that ends.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Redirect;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;

use crate::app::Shared;
use crate::trouble::Trouble;

#[derive(Deserialize)]
pub(super) struct Ended {
    process: i32,
}

/// Kills a worker of one of the pools, as a crash would. Between the look and the signal it may have ended by itself,
/// and its number might be another process's by then: not for a server that anybody depends on.
pub(super) async fn end(
    State(app): Shared,
    ended: Result<Form<Ended>, FormRejection>,
) -> Result<Redirect, Trouble> {
    let Form(Ended { process }) = ended.map_err(|error| Trouble::bad(error.body_text()))?;
    let states = [app.pool.state(), app.uploads.state()];
    let known = states.iter().flat_map(|state| &state.workers).any(|worker| worker.pid == Some(process));
    match known.then(|| kill(Pid::from_raw(process), Signal::SIGKILL)) {
        None | Some(Err(Errno::ESRCH)) => Err(Trouble::missing("No worker has this number any more.")),
        Some(Err(errno)) => Err(Trouble::ours(errno)),
        Some(Ok(())) => Ok(Redirect::to("/pool")),
    }
}
