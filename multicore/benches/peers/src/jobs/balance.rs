//! J4: unequal work in equal ranges.

use anyhow::Result;

use crate::contenders::{Contender, Setting, same, timed};
use crate::figure::Figure;
use crate::work::{self, PRIMES_BELOW};

pub(super) fn primes(contender: Contender) -> Result<Vec<Figure>> {
    let mut crew = contender.start(&Setting::default())?;
    crew.primes(&work::equal_parts(1000, 2))?;
    let (alone, right) = timed(|| Ok(work::primes(0..PRIMES_BELOW)))?;
    let mut together = Vec::new();
    for count in [2, 4, 16] {
        let (time, found) = timed(|| crew.primes(&work::equal_parts(PRIMES_BELOW, count)))?;
        same(found, right)?;
        together.push((format!("{count} ranges"), time));
    }
    if contender.divides_itself() {
        let (time, found) = timed(|| crew.primes_by_default(PRIMES_BELOW))?;
        same(found, right)?;
        together.push(("default".to_owned(), time));
    }
    // Before and after: a machine's clock is not the same all the time.
    let (again, _) = timed(|| Ok(work::primes(0..PRIMES_BELOW)))?;
    let alone = (alone + again) / 2;
    Ok(together.into_iter().map(|(part, time)| Figure::speed_up(&part, alone, time)).collect())
}
