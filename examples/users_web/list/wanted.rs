//! What a visitor wants to see of the list.

use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::App;
use crate::trouble::Trouble;

const SIZES: [usize; 5] = [50, 200, 500, 1000, 5000];

/// As it stands in the address.
#[derive(Deserialize)]
struct Asked {
    page: Option<String>,
    size: Option<String>,
    threshold: Option<String>,
    busy: Option<String>,
}

/// What is to be done where the load guard says no.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    Here,
    Refuse,
}

pub(crate) struct Wanted {
    page: usize,
    size: usize,
    /// The load guard's: parallel up to this share of the machine's cores.
    pub(crate) threshold: Option<f64>,
    pub(crate) busy: Busy,
    users: usize,
}

impl FromRequestParts<Arc<App>> for Wanted {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Wanted, Trouble> {
        let asked: Result<Query<Asked>, _> = Query::from_request_parts(parts, app).await;
        let Query(asked) = asked.map_err(|error| Trouble::bad(error.body_text()))?;
        Wanted::of(&asked, app.users)
    }
}

impl Wanted {
    fn of(asked: &Asked, users: usize) -> Result<Wanted, Trouble> {
        let size = number(&asked.size, "The number of users on a page", 1, SIZES[4])?.unwrap_or(200);
        let pages = users.div_ceil(size).max(1);
        let page = match asked.page.as_deref().map(str::trim) {
            None | Some("") => 1,
            Some(text) => match text.parse() {
                Ok(page) if page > pages => {
                    return Err(Trouble::missing(format!(
                        "There are {pages} pages of {size} users, and no page {page}."
                    )));
                }
                Ok(page) if page > 0 => page,
                _ => {
                    return Err(Trouble::bad(format!(
                        "The page is a number from 1 to {pages}, and not “{text}”."
                    )));
                }
            },
        };
        let threshold = number(&asked.threshold, "The load guard's threshold", 0.0, 10.0)?;
        let busy = match asked.busy.as_deref() {
            None | Some("" | "here") => Busy::Here,
            Some("refuse") => Busy::Refuse,
            Some(_) => return Err(Trouble::bad("What to do when busy is `here` or `refuse`.")),
        };
        Ok(Wanted { page, size, threshold, busy, users })
    }

    /// Which users these are.
    pub(crate) fn places(&self) -> Range<usize> {
        let start = (self.page - 1) * self.size;
        start..(start + self.size).min(self.users)
    }

    pub(crate) fn form(&self) -> Markup {
        let threshold = self.threshold.map(|share| share.to_string());
        html! {
            form.row action="/" method="get" role="search" aria-label="What to show" {
                div { label for="page" { "Page" } input #page name="page" type="number" min="1" value=(self.page); }
                div {
                    label for="size" { "Users" }
                    select #size name="size" {
                        @for size in SIZES { option value=(size) selected[size == self.size] { (size) } }
                    }
                }
                div {
                    label for="threshold" { "Load guard" }
                    input #threshold name="threshold" type="number" min="0" max="10" step="0.05" placeholder="off"
                        value=[threshold] aria-describedby="threshold-help";
                }
                div {
                    label for="busy" { "If it says no" }
                    select #busy name="busy" {
                        option value="here" selected[self.busy == Busy::Here] { "render inline" }
                        option value="refuse" selected[self.busy == Busy::Refuse] { "refuse" }
                    }
                }
                button { "Show" }
                p.help #threshold-help {
                    "The load guard keeps the workers out of it while the machine's load is above this share of its "
                    "cores: 0.85 means 85 %, and 0 always says no."
                }
            }
        }
    }

    /// The same of another page, as it stands in the address.
    pub(crate) fn query(&self, page: usize) -> String {
        let mut query = format!("page={page}&size={}", self.size);
        if let Some(share) = self.threshold {
            query += &format!("&threshold={share}");
        }
        if self.busy == Busy::Refuse {
            query += "&busy=refuse";
        }
        query
    }

    pub(crate) fn pages(&self, path: &str) -> Markup {
        let pages = self.users.div_ceil(self.size).max(1);
        let link = |page| format!("{path}?{}", self.query(page));
        html! {
            nav.pages aria-label="Pages of users" {
                span { @if self.page > 1 { a rel="prev" href=(link(self.page - 1)) { "← Page " (self.page - 1) } } }
                span { "Page " (self.page) " of " (pages) }
                span {
                    @if self.page < pages { a rel="next" href=(link(self.page + 1)) { "Page " (self.page + 1) " →" } }
                }
            }
        }
    }
}

/// A number within these bounds, or none where the field is empty.
fn number<T>(text: &Option<String>, what: &str, least: T, most: T) -> Result<Option<T>, Trouble>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    match text.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => match text.parse() {
            Ok(number) if least <= number && number <= most => Ok(Some(number)),
            _ => Err(Trouble::bad(format!("{what} is a number from {least} to {most}, and not “{text}”."))),
        },
    }
}
