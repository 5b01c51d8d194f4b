//! J1 and J9: calls that do nothing.

use anyhow::Result;

use super::BUDGET;
use crate::contenders::{Contender, Setting, same};
use crate::figure::{Figure, median_time};
use crate::place::Place;

/// Calls that are timed together: a clock takes a quarter of what one of them does.
const TURN: u32 = 8;

pub(super) fn one_at_a_time(contender: Contender, place: Option<Place>) -> Result<Vec<Figure>> {
    let mut setting = Setting::default();
    if let Some(place) = place {
        place.workers()?;
        setting = Setting { workers: 1, spin: false };
    }
    let mut crew = contender.start(&setting)?;
    same(crew.word(1)?, 2)?;
    place.map_or(Ok(()), Place::client)?;
    let mut n = 0;
    let mut turn = || {
        for _ in 0..TURN {
            n += 1;
            same(crew.word(n)?, n + 1)?;
        }
        Ok(())
    };
    median_time(BUDGET / 4, TURN, &mut turn)?;
    Ok(vec![Figure::us("", median_time(BUDGET, TURN, turn)?)])
}

pub(super) fn pair(contender: Contender, spin: bool) -> Result<Vec<Figure>> {
    let mut crew = contender.start(&Setting { spin, ..Setting::default() })?;
    median_time(BUDGET / 4, 1, || crew.pair())?;
    Ok(vec![Figure::us("", median_time(BUDGET, 1, || crew.pair())?)])
}
