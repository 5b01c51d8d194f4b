//! What a `map_reduce!` gives.

use std::fmt;
use std::iter::FusedIterator;

use super::merge::Merge;
use super::run::RunReader;
use super::scratch::{Extent, Scratch};
use super::stages::{Key, Travels};
use super::trouble::Trouble;
use super::worker::Buffers;
use crate::error::{Error, Result};
use crate::panics;
use crate::report::Report;

/// The keys of a [`map_reduce!`](crate::map_reduce) with their results, in the keys' order.
///
/// They stand in temporary files without a name, and are read as they are asked for: however many there are, this
/// takes a buffer for each partition. Dropping it gives the files back.
///
/// An iterator whose items are `Result<(K, R)>`: what was written may fail to be read (`Os`, `Decode`), and the
/// iterator ends after that. `.collect::<multicore::Result<BTreeMap<_, _>>>()` makes a map of it, which it already is in the
/// order of.
#[must_use = "the results are in temporary files, and read as they are asked for"]
pub struct Reduced<K, R> {
    merge: Merge<K, R>,
    left: usize,
    task: &'static str,
}

/// One partition's results.
pub(super) struct Part {
    pub(super) file: usize,
    pub(super) run: Extent,
    pub(super) keys: u64,
}

impl<K: Key, R: Travels> Reduced<K, R> {
    pub(super) fn new(
        files: &[Scratch],
        parts: Vec<Part>,
        memory: usize,
        task: &'static str,
    ) -> Result<Self> {
        let piece = (memory / parts.len().max(1)).min(Buffers::of(memory).piece).max(4 << 10);
        let left = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.keys));
        let reader = |part: &Part| RunReader::new(files[part.file].file().clone(), part.run, piece);
        let merge = caught(task, || Merge::new(parts.iter().map(reader).collect()))?;
        Ok(Reduced { merge, left: usize::try_from(left).unwrap_or(usize::MAX), task })
    }
}

impl<K: Key, R: Travels> Iterator for Reduced<K, R> {
    type Item = Result<(K, R)>;

    fn next(&mut self) -> Option<Result<(K, R)>> {
        // A worker that wrote more keys than it said is not believed.
        self.left = self.left.checked_sub(1)?;
        let merge = &mut self.merge;
        let pair = caught(self.task, || {
            let missing = || Trouble::Decode("a key or its result is missing".to_owned());
            let key = merge.key()?.ok_or_else(missing)?;
            Ok((key, merge.value()?.ok_or_else(missing)?))
        });
        if pair.is_err() {
            self.left = 0;
        }
        Some(pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // After an error there is no more.
        (self.left.min(1), Some(self.left))
    }
}

impl<K: Key, R: Travels> FusedIterator for Reduced<K, R> {}

impl<K, R> Reduced<K, R> {
    /// How many keys are left.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether no key is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<K, R> fmt::Debug for Reduced<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reduced").field("keys_left", &self.left).finish_non_exhaustive()
    }
}

/// Reads; a panic in the user's `Deserialize` or `Ord` is an error like any other.
fn caught<T>(task: &'static str, read: impl FnOnce() -> Result<T, Trouble>) -> Result<T> {
    match panics::caught(read) {
        Ok(result) => result.map_err(|trouble| trouble.into_error(task)),
        Err(report) => {
            let message = match report {
                Report::Panicked { message, .. } => message,
                _ => String::new(),
            };
            let why = format!("its `Deserialize` or `Ord` panicked: {message}");
            Err(Error::Decode { task: task.to_owned(), what: "keys and results", why })
        }
    }
}
