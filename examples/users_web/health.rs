//! `/healthz`: whether a worker answers, and soon.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use multicore::AbortOnDrop;
use serde_json::json;

use crate::app::{App, Shared};

/// How long a worker may take to answer.
const SOON: Duration = Duration::from_secs(2);

/// The least that a worker can do.
#[multicore::task(retries = 3)]
fn ping() -> u32 {
    std::process::id()
}

pub(crate) async fn health(State(app): Shared) -> impl IntoResponse {
    if app.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "draining" })));
    }
    let began = Instant::now();
    match tokio::time::timeout(SOON, asked(&app)).await {
        Ok(Ok(process)) => {
            let millis = began.elapsed().as_secs_f64() * 1000.0;
            (StatusCode::OK, Json(json!({ "status": "ok", "worker": process, "milliseconds": millis })))
        }
        Ok(Err(error)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "failing", "error": error.to_string() })),
        ),
        Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "slow", "limit": SOON.as_secs() })))
        }
    }
}

/// Before everything that is queued: it asks for the workers, and not for how much there is to do.
async fn asked(app: &App) -> multicore::Result<u32> {
    let handle = app.pool.reserve().await?.spawn(ping::call().priority(7))?;
    AbortOnDrop::new(handle).await
}
