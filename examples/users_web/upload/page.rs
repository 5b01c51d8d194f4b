//! `/upload`: the form, and what became of a file.

use std::sync::Arc;

use axum::Router;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use multicore::{Error, Exit, TextError};

use crate::app::{App, Shared};
use crate::layout::page;
use crate::trouble::Trouble;
use crate::upload::receive::{self, MOST, MOST_READ};
use crate::upload::samples::{SAMPLES, sample};
use crate::upload::task::{Decoded, MEMORY, TIME, decode};

pub(crate) fn routes() -> Router<Arc<App>> {
    let upload = get(ask).post(take).layer(DefaultBodyLimit::max(MOST_READ));
    Router::new().route("/upload", upload).route("/samples/{name}", get(sample))
}

async fn ask() -> Markup {
    page("Upload", "/upload", form(html! {}))
}

/// A file that its decoder could not stand is no fault of the server: 422, whatever became of the worker.
async fn take(
    State(app): Shared,
    sent: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Markup), Trouble> {
    let file = match receive::file(sent).await {
        Err(trouble) if trouble.status != StatusCode::SERVICE_UNAVAILABLE => {
            return Ok((
                trouble.status,
                page("Upload", "/upload", form(failed(trouble.title, html! { (trouble.text) }))),
            ));
        }
        file => file?,
    };
    let outcome = app.uploads.reserve().await?.spawn(decode::call(&file))?.await;
    let (status, told) = told(outcome)?;
    Ok((status, page("Upload", "/upload", form(told))))
}

fn told(outcome: multicore::Result<Result<Decoded, TextError>>) -> Result<(StatusCode, Markup), Trouble> {
    let told = match outcome {
        Ok(Ok(decoded)) => return Ok((StatusCode::OK, show(&decoded))),
        Ok(Err(error)) => failed("This file cannot be decoded", html! { "Its decoder says: " (error) "." }),
        Err(Error::TimedOut { limit, .. }) => failed(
            "Its time was up",
            html! {
                "The decoder was still busy after " (limit.as_secs()) " seconds, so its worker process was ended. "
                "Nothing else was touched."
            },
        ),
        Err(Error::Died { pid, exit, .. }) => failed(
            "This file crashed its decoder",
            html! {
                "Worker process " (pid) " " (how(exit)) ". It was replaced; the server and everybody else's requests "
                "live on."
            },
        ),
        Err(error) => return Err(error.into()),
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, told))
}

fn how(exit: Exit) -> String {
    match exit {
        Exit::Signal(signal) if signal.0 == nix::libc::SIGABRT => {
            format!(
                "was ended by {signal}: it asked for more memory than the {} MiB that it may have",
                MEMORY >> 20
            )
        }
        exit => exit.to_string(),
    }
}

fn show(decoded: &Decoded) -> Markup {
    html! {
        section #upload-result.good role="status" aria-label="Your picture" {
            @match decoded {
                Decoded::Picture { width, height, small } => {
                    p { "Decoded: " (width) " by " (height) " pixels." }
                    img alt="Your picture, small" src={ "data:image/png;base64," (STANDARD.encode(small)) };
                }
                Decoded::Old { sum } => p { "Decoded: an old picture, whose pixels have the sum " (sum) "." },
            }
        }
    }
}

fn failed(title: &str, text: Markup) -> Markup {
    html! { section #upload-error.error role="alert" { h2 { (title) } p { (text) } } }
}

fn form(outcome: Markup) -> Markup {
    html! {
        h1 { "Upload" }
        p {
            "A picture is decoded in a worker process that can open no file, reach no network, use " (MEMORY >> 20)
            " MiB of memory and take " (TIME.as_secs()) " seconds. So it may be any file at all."
        }
        (outcome)
        form.row #upload-form action="/upload" method="post" enctype="multipart/form-data" {
            div {
                label for="upload-file" { "A PNG or GIF of at most " (MOST) " MiB" }
                input #upload-file type="file" name="file" required;
            }
            button { "Upload" }
        }
        h2 { "Files to try it with" }
        ul {
            @for (name, what, _) in SAMPLES {
                li { a href={ "/samples/" (name) } download=(name) { (name) } ": " (what) }
            }
        }
    }
}
