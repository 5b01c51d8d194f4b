//! J6: work that waits, as a web page's does.

use anyhow::Result;

use crate::contenders::{Contender, Setting, same, timed};
use crate::figure::Figure;
use crate::work::{self, USERS};

pub(super) fn render(contender: Contender) -> Result<Vec<Figure>> {
    let mut crew = contender.start(&Setting::default())?;
    crew.render(&work::equal_parts(2, 2))?;
    let length = (0..USERS).map(|user| format!("<li>user {user}</li>\n").len() as u64).sum();
    let mut figures = Vec::new();
    for (part, count) in [("100 calls", USERS), ("2 ranges", 2)] {
        let (time, found) = timed(|| crew.render(&work::equal_parts(USERS, count)))?;
        same(found, length)?;
        figures.push(Figure::ms(part, time));
    }
    Ok(figures)
}
