//! Functions of the user's that belong to no call's work: what becomes of them is told in words, or said aloud.

use crate::panics;
use crate::report::Report;

/// Runs one; a panic in words.
pub(crate) fn asked<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    panics::caught_aside(function).map_err(|report| match report {
        Report::Panicked { message, location: Some(place), .. } => format!("panicked at {place}: {message}"),
        Report::Panicked { message, .. } => format!("panicked: {message}"),
        _ => "panicked".to_owned(),
    })
}

/// Says a line on the standard error output, where nobody waits; if it cannot be said either, so be it.
pub(crate) fn say(what: &str) {
    // In one piece: other workers write there as well. It panics where nobody reads it.
    let line = format!("multicore: {what}\n");
    let _ = panics::caught_aside(|| eprint!("{line}"));
}
