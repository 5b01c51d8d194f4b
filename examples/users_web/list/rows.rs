//! The rows of the table of users: the work that all ways of making the list have in common.

use std::ops::Range;

use maud::{Markup, html};

use crate::database::connection::{Connection, User};
use crate::database::error::Error;

/// Reads the users at these places and writes their rows.
pub(crate) fn rows(connection: &mut Connection, places: Range<usize>) -> Result<String, Error> {
    // Numbers begin with one.
    let users = connection.users(places.start as i64 + 1..=places.end as i64)?;
    Ok(users.iter().map(|user| row(user).into_string()).collect())
}

fn row(user: &User) -> Markup {
    let spent: i64 = user.months.iter().sum();
    html! {
        tr {
            td.wide { (user.id) }
            th scope="row" { (user.name) span.email { (user.email) } }
            td.wide { (user.city) }
            td.number { (user.orders) }
            td.number { (money(spent as f64)) }
            td.wide { (chart(&user.months)) }
        }
    }
}

/// Cents as euros.
pub(crate) fn money(cents: f64) -> String {
    format!("{:.2} €", cents / 100.0)
}

/// A bar for each month.
fn chart(months: &[i64; 12]) -> Markup {
    let most = months.iter().copied().max().unwrap_or(0).max(1);
    let best = months.iter().position(|spent| *spent == most).map_or(0, |month| month + 1);
    html! {
        svg.chart viewBox="0 0 60 16" role="img" aria-label={ "twelve months; the most in month " (best) } {
            @for (month, spent) in months.iter().enumerate() {
                @let height = 1 + 15 * spent / most;
                rect x=(5 * month) y=(16 - height) width="4" height=(height) {}
            }
        }
    }
}
