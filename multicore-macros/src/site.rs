//! Names for places where a macro is used, no two alike in one file.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use proc_macro::Span;

/// File, line and column.
type Place = (String, usize, usize);

/// How often a place was seen: a macro of the user's that expands to one of ours has one place for all its uses.
static SEEN: Mutex<Option<HashMap<Place, usize>>> = Mutex::new(None);

/// A part of an identifier: line and column, and a number where that is not enough.
pub(crate) fn of(span: Span) -> String {
    let (line, column) = (span.line(), span.column());
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let count = seen.get_or_insert_default().entry((span.file(), line, column)).or_default();
    *count += 1;
    match *count {
        1 => format!("L{line}C{column}"),
        more => format!("L{line}C{column}N{more}"),
    }
}
