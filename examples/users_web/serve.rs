//! The routes, and the server's life: it accepts, it is told to end, it drains.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::app::App;
use crate::limit::Limit;
use crate::trouble::Trouble;
use crate::{compare, health, layout, list, pools, report, upload};

fn routes(app: Arc<App>) -> Router {
    let limit = Limit::new(app.options.limit, app.options.max_load_average);
    let pages = Router::new()
        .route("/", get(list::page::list))
        .merge(pools::page::routes(app.options.demo))
        .merge(report::page::routes())
        .merge(upload::page::routes())
        .merge(compare::page::routes())
        .layer(limit);
    // What is asked of a busy server as well.
    let free = Router::new().route("/healthz", get(health::health)).merge(layout::files());
    pages
        .merge(free)
        .fallback(|uri: Uri| async move { Trouble::missing(format!("Nothing is at {}.", uri.path())) })
        .method_not_allowed_fallback(|method: Method| async move {
            let text = format!("{method} is not what this page is for.");
            Trouble::new(StatusCode::METHOD_NOT_ALLOWED, "Not like this", text)
        })
        .layer(middleware::from_fn(guard))
        .with_state(app)
}

/// Other sites' pages do not post here, and nothing that a page shows runs as a script.
async fn guard(request: Request, next: Next) -> Response {
    const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    let elsewhere = request.headers().get(SITE).is_some_and(|site| site == "cross-site");
    if elsewhere && request.method() == Method::POST {
        return Trouble::new(StatusCode::FORBIDDEN, "Not from there", "Another site sent this.")
            .into_response();
    }
    let rules = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                 img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let answer = next.run(request).await;
    let headers = [(header::CONTENT_SECURITY_POLICY, rules), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, answer).into_response()
}

/// Serves until a signal comes, and what was begun until it is done, within the time that it has.
pub(crate) async fn serve(app: Arc<App>) -> io::Result<()> {
    let listener = TcpListener::bind(app.options.listen).await?;
    let ends = Arc::new(Notify::new());
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    say(format_args!(
        "http://{}/ ({} workers; {})",
        listener.local_addr()?,
        app.pool.workers(),
        app.options.database
    ));
    let told = {
        let (app, ends) = (app.clone(), ends.clone());
        async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            let patience = app.options.shutdown_timeout;
            say(format_args!(
                "ending: what has begun may take {patience:?} more; a second signal ends at once"
            ));
            app.draining.store(true, Ordering::Relaxed);
            tokio::spawn(async move {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                at_once();
            });
            // Long enough for whoever asks for our health to send visitors elsewhere.
            tokio::time::sleep(app.options.notice).await;
            ends.notify_one();
        }
    };
    let patience = app.options.shutdown_timeout;
    let listener = listener.tap_io(|connection| {
        // Answers are small, and nobody waits for them to become larger.
        let _ = connection.set_nodelay(true);
    });
    let server = axum::serve(listener, routes(app)).with_graceful_shutdown(told);
    tokio::select! {
        served = server => served,
        () = too_long(&ends, patience) => {
            say(format_args!("some connections are still open, and are closed now"));
            Ok(())
        }
    }
}

/// Whether anybody reads it or not.
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

async fn too_long(ends: &Notify, patience: Duration) {
    ends.notified().await;
    tokio::time::sleep(patience).await;
}

/// Without a word to anybody: the workers end because this process does.
fn at_once() {
    let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
}
