//! J4: unequal work in equal ranges.

use anyhow::Result;

use crate::contenders::{Contender, Setting, same, timed};
use crate::figure::Figure;
use crate::work::{self, PRIMES_BELOW};

pub(super) fn primes(contender: Contender) -> Result<Vec<Figure>> {
    let mut crew = contender.start(&Setting { spin: false, ..Setting::default() })?;
    crew.primes(&work::equal_parts(1000, 2))?;
    let (alone, right) = timed(|| Ok(work::primes(0..PRIMES_BELOW)))?;
    let mut figures = Vec::new();
    for count in [2, 4, 16] {
        let (time, found) = timed(|| crew.primes(&work::equal_parts(PRIMES_BELOW, count)))?;
        same(found, right)?;
        figures.push(Figure::speed_up(&format!("{count} ranges"), alone, time));
    }
    if contender.divides_itself() {
        let (time, found) = timed(|| crew.primes_by_default(PRIMES_BELOW))?;
        same(found, right)?;
        figures.push(Figure::speed_up("default", alone, time));
    }
    Ok(figures)
}
