//! J5: from nothing to the first result.

use anyhow::Result;

use crate::contenders::{Contender, Setting, same, timed};
use crate::figure::Figure;

pub(super) fn first_result(contender: Contender) -> Result<Vec<Figure>> {
    let (time, answer) = timed(|| {
        let mut crew = contender.start(&Setting::default())?;
        let answer = crew.word(1)?;
        Ok((answer, crew))
    })?;
    same(answer.0, 2)?;
    Ok(vec![Figure::ms("", time)])
}
