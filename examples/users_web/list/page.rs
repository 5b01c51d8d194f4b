//! The page of the list.

use std::time::Instant;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use crate::app::Shared;
use crate::layout::{page, ready};
use crate::list::how::{How, told};
use crate::list::wanted::Wanted;
use crate::list::work::make;
use crate::trouble::Trouble;

pub(crate) async fn list(State(app): Shared, wanted: Wanted) -> Result<Response, Trouble> {
    // It blocks: a call waits for its workers.
    app.apart(move |app| {
        let began = Instant::now();
        let (how, chunks) = make(app, &wanted)?;
        let rows = chunks.iter().map(|chunk| &*chunk.html).collect();
        let told = told(&how, &chunks, began.elapsed());
        Ok(match how {
            How::Refused(_) => {
                let page = show(&wanted, told, html! {});
                (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], page).into_response()
            }
            _ => show(&wanted, told, html! { (table(rows)) (wanted.pages("/")) }).into_response(),
        })
    })
    .await
}

fn show(wanted: &Wanted, told: Markup, users: Markup) -> Markup {
    page("Users", "/", html! { h1 { "Users" } (wanted.form()) (told) (users) })
}

/// The table around its rows.
pub(crate) fn table(rows: String) -> Markup {
    html! {
        table #users {
            caption.hidden { "Users, their orders and what they spent" }
            thead {
                tr {
                    th.wide scope="col" { "No." }
                    th scope="col" { "Name" }
                    th.wide scope="col" { "City" }
                    th.number scope="col" { "Orders" }
                    th.number scope="col" { "Spent" }
                    th.wide scope="col" { "Months" }
                }
            }
            tbody { (ready(rows)) }
        }
    }
}
