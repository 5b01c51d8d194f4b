//! What went wrong, as a page.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;
use multicore::{Error, TextError};

use crate::layout::page;

/// Why there is another page than the one that was asked for.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) text: String,
}

impl Trouble {
    pub(crate) fn new(status: StatusCode, title: &'static str, text: impl fmt::Display) -> Trouble {
        Trouble { status, title, text: text.to_string() }
    }

    /// What was asked makes no sense.
    pub(crate) fn bad(text: impl fmt::Display) -> Trouble {
        Trouble::new(StatusCode::BAD_REQUEST, "That makes no sense here", text)
    }

    pub(crate) fn missing(text: impl fmt::Display) -> Trouble {
        Trouble::new(StatusCode::NOT_FOUND, "There is no such page", text)
    }

    /// Come again later.
    pub(crate) fn busy(text: impl fmt::Display) -> Trouble {
        Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "Busy", text)
    }

    /// Nothing that the visitor could have done otherwise.
    pub(crate) fn ours(text: impl fmt::Display) -> Trouble {
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here", text)
    }
}

/// A call's own time limit is ours: 504, as of a server that waits for another one. What cannot run now is 503.
impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        match error {
            Error::TimedOut { .. } => Trouble::new(StatusCode::GATEWAY_TIMEOUT, "It took too long", error),
            Error::Refused { .. } | Error::Closed => Trouble::busy(error),
            _ => Trouble::ours(error),
        }
    }
}

/// A task's own error: the database's.
impl From<TextError> for Trouble {
    fn from(error: TextError) -> Trouble {
        Trouble::ours(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Trouble {}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let body = html! {
            h1 { (self.title) }
            p #trouble role="alert" { (self.text) }
            p { a href="/" { "To the list of users" } }
        };
        let mut answer = (self.status, page(self.title, "", body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}
