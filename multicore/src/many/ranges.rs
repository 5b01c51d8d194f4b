//! Dividing a number of items into ranges.

use std::iter::FusedIterator;
use std::ops::Range;

use crate::many::items::Items;
use crate::pool::default;

/// Chunks per worker when nothing else is asked for: enough that uneven ones still end together.
const CHUNKS_PER_WORKER: usize = 32;

/// Divides `items` into one range per worker of the default pool.
///
/// ```
/// for (start, end) in multicore::ranges(&[1, 2, 3]) {
///     assert!(start < end && end <= 3);
/// }
/// ```
pub fn ranges<I: Items + ?Sized>(items: &I) -> Ranges {
    ranges_with(items, 1, default::workers())
}

/// Divides `items` into at most `number_of_workers` ranges of at least `min_range_size` items, the
/// last one being what is left.
///
/// Each has max(`min_range_size`, ceil(items / `number_of_workers`)) items. A minimum of 0 counts as
/// 1, and so do 0 workers.
///
/// ```
/// let users = vec![(); 80];
/// assert!(multicore::ranges_with(&users, 0, 4).eq([(0, 20), (20, 40), (40, 60), (60, 80)]));
/// assert!(multicore::ranges_with(&users, 30, 4).eq([(0, 30), (30, 60), (60, 80)]));
/// assert!(multicore::ranges_with(&users, 100, 4).eq([(0, 80)]));
/// ```
pub fn ranges_with<I: Items + ?Sized>(items: &I, min_range_size: usize, number_of_workers: usize) -> Ranges {
    let bounds = items.bounds();
    let size = bounds.len().div_ceil(number_of_workers.max(1)).max(min_range_size).max(1);
    Ranges { bounds, size }
}

/// The ranges that [`ranges`] and [`ranges_with`] make, as `(start, end)`.
#[derive(Clone, Debug)]
pub struct Ranges {
    bounds: Range<usize>,
    size: usize,
}

impl Iterator for Ranges {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        if self.bounds.is_empty() {
            return None;
        }
        let start = self.bounds.start;
        self.bounds.start += self.size.min(self.bounds.len());
        Some((start, self.bounds.start))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.bounds.len().div_ceil(self.size);
        (count, Some(count))
    }
}

impl ExactSizeIterator for Ranges {}
impl FusedIterator for Ranges {}

/// `count` ranges over `bounds` whose sizes differ by one at most, larger ones first; fewer when
/// there are fewer items, so that none is empty.
pub(crate) fn balanced(bounds: Range<usize>, count: usize) -> Vec<Range<usize>> {
    let len = bounds.len();
    let count = count.min(len);
    if count == 0 {
        return Vec::new();
    }
    let (size, larger) = (len / count, len % count);
    let mut start = bounds.start;
    (0..count)
        .map(|at| {
            let end = start + size + usize::from(at < larger);
            std::mem::replace(&mut start, end)..end
        })
        .collect()
}

/// How many chunks `len` items make for `workers` when the user did not say, none of them smaller
/// than `min_range_size` (unless there are fewer items than that).
pub(crate) fn default_count(len: usize, workers: usize, min_range_size: usize) -> usize {
    let fine = workers.max(1).saturating_mul(CHUNKS_PER_WORKER);
    let allowed = (len / min_range_size.max(1)).max(1);
    len.min(fine).min(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(len: usize, minimum: usize, workers: usize, expected: &[(usize, usize)]) {
        let ranges = ranges_with(&(0..len), minimum, workers);
        assert_eq!(ranges.len(), expected.len());
        assert_eq!(ranges.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_examples_of_the_documentation() {
        check(80, 0, 4, &[(0, 20), (20, 40), (40, 60), (60, 80)]);
        check(80, 30, 4, &[(0, 30), (30, 60), (60, 80)]);
        check(80, 100, 4, &[(0, 80)]);
    }

    #[test]
    fn degenerate_numbers() {
        check(0, 0, 0, &[]);
        check(0, 10, 4, &[]);
        check(3, 0, 0, &[(0, 3)]);
        check(3, 0, usize::MAX, &[(0, 1), (1, 2), (2, 3)]);
        check(3, usize::MAX, 2, &[(0, 3)]);
        check(usize::MAX, 0, 2, &[(0, 1 << 63), (1 << 63, usize::MAX)]);
        check(usize::MAX, usize::MAX, 0, &[(0, usize::MAX)]);
    }

    #[test]
    fn ranges_lie_within_the_bounds_of_the_items() {
        assert_eq!(ranges_with(&(10..20), 0, 2).collect::<Vec<_>>(), [(10, 15), (15, 20)]);
    }

    #[test]
    fn balanced_ranges_differ_by_one_at_most_and_cover_everything() {
        assert_eq!(balanced(0..10, 4), [0..3, 3..6, 6..8, 8..10]);
        assert_eq!(balanced(10..12, 5), [10..11, 11..12]);
        assert_eq!(balanced(5..5, 3), Vec::<Range<usize>>::new());
        assert_eq!(balanced(0..3, 0), Vec::<Range<usize>>::new());
        assert_eq!(balanced(0..usize::MAX, 2), [0..1 << 63, 1 << 63..usize::MAX]);
    }

    #[test]
    fn the_default_count_is_fine_and_honours_the_minimum() {
        assert_eq!(default_count(1000, 2, 0), 64);
        assert_eq!(default_count(20, 2, 0), 20);
        assert_eq!(default_count(1000, 2, 100), 10);
        assert_eq!(default_count(1000, 2, 5000), 1);
        assert_eq!(default_count(0, 2, 0), 0);
        assert_eq!(default_count(5, 0, 0), 5);
        assert_eq!(default_count(usize::MAX, usize::MAX, 1), usize::MAX);
    }
}
