//! J3: bytes there and back.

use anyhow::{Result, ensure};

use super::BUDGET;
use crate::contenders::{Contender, Crew, LARGEST, Setting};
use crate::figure::{Figure, median_time};

/// What is sent, by name, in bytes.
pub const SIZES: [(&str, usize); 3] = [("64 KiB", 64 << 10), ("1 MiB", 1 << 20), ("64 MiB", LARGEST)];

pub(super) fn echoes(contender: Contender) -> Result<Vec<Figure>> {
    let mut crew = contender.start(&Setting::default())?;
    let mut figures = Vec::new();
    for (part, len) in SIZES {
        figures.push(echo(&mut *crew, part, len)?);
        if contender.lends() {
            figures.push(borrowed(&mut *crew, &format!("{part} borrowed"), len)?);
        }
    }
    Ok(figures)
}

fn borrowed(crew: &mut dyn Crew, part: &str, len: usize) -> Result<Figure> {
    let mut bytes = vec![1; len];
    let time = median_time(BUDGET * 2, 1, || crew.borrow(&mut bytes))?;
    Ok(Figure::bandwidth(part, len, time))
}

fn echo(crew: &mut dyn Crew, part: &str, len: usize) -> Result<Figure> {
    let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
    ensure!(crew.echo(&bytes)? == bytes, "the echo is not what was sent");
    let time = median_time(BUDGET * 2, 1, || {
        let echo = crew.echo(&bytes)?;
        ensure!(echo.len() == len && echo.last() == bytes.last(), "the echo is not what was sent");
        Ok(())
    })?;
    Ok(Figure::bandwidth(part, len, time))
}
