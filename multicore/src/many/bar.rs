//! A bar on the standard error output that shows how far something is; drawn by `indicatif`, and only where that
//! output is a terminal.

use std::fmt;
use std::iter::FusedIterator;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use crate::call::Call;
use crate::many::map::{Map, MapUnordered};

/// With a known end, and without one.
const BAR: &str = "{wide_bar} {human_pos}/{human_len}, {per_sec}, {eta} left";
const COUNT: &str = "{spinner} {human_pos}, {per_sec}";

/// The results of a map, with a bar that shows how many of them came.
///
/// It stays as it is when this is dropped. Where the standard error output is no terminal nothing is drawn.
#[must_use = "a map does nothing until its results are asked for"]
pub struct WithBar<M> {
    results: M,
    bar: ProgressBar,
}

/// A bar for so many steps, or for nobody knows how many.
pub(crate) fn bar(steps: Option<usize>) -> ProgressBar {
    // The templates are right (`the_templates_are_right`); a plain bar would do as well.
    let style =
        |template| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = match steps {
        Some(steps) => ProgressBar::new(steps as u64).with_style(style(BAR)),
        None => ProgressBar::no_length().with_style(style(COUNT)),
    };
    bar.with_finish(ProgressFinish::Abandon)
}

impl<M: Iterator> WithBar<M> {
    fn new(results: M) -> WithBar<M> {
        let bar = match results.size_hint() {
            (least, Some(most)) if least == most => bar(Some(most)),
            _ => bar(None),
        };
        WithBar { results, bar }
    }

    /// The bar, to be styled, or put among others.
    ///
    /// ```
    /// # #[multicore::task]
    /// # fn square(n: u64) -> u64 { n * n }
    /// let squares = square::map([1, 2, 3]).progress().with_bar(|bar| bar.with_message("squares"));
    /// assert_eq!(squares.map(Result::unwrap).sum::<u64>(), 14);
    /// ```
    pub fn with_bar(mut self, change: impl FnOnce(ProgressBar) -> ProgressBar) -> Self {
        self.bar = change(self.bar);
        self
    }
}

impl<'p, 'a, I: Iterator<Item = Call<'a, R>>, R: 'static> Map<'p, I, R> {
    /// Draws a bar, with the rate and the time that is left, while results are taken.
    ///
    /// ```
    /// # #[multicore::task]
    /// # fn square(n: u64) -> u64 { n * n }
    /// let squares: Vec<u64> = square::map([1, 2, 3]).progress().collect::<Result<_, _>>()?;
    /// assert_eq!(squares, [1, 4, 9]);
    /// # Ok::<(), multicore::Error>(())
    /// ```
    pub fn progress(self) -> WithBar<Self> {
        WithBar::new(self)
    }
}

impl<'p, 'a, I: Iterator<Item = Call<'a, R>>, R: 'static> MapUnordered<'p, I, R> {
    /// As [`Map::progress`].
    pub fn progress(self) -> WithBar<Self> {
        WithBar::new(self)
    }
}

impl<M: Iterator> Iterator for WithBar<M> {
    type Item = M::Item;

    fn next(&mut self) -> Option<M::Item> {
        let next = self.results.next();
        match next {
            Some(_) => self.bar.inc(1),
            None => self.bar.abandon(),
        }
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.size_hint()
    }
}

impl<M: ExactSizeIterator> ExactSizeIterator for WithBar<M> {}

impl<M: FusedIterator> FusedIterator for WithBar<M> {}

impl<M> fmt::Debug for WithBar<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithBar").field("done", &self.bar.position()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_right() {
        for template in [BAR, COUNT] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
