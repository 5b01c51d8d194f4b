//! What `par_ranges!` and `ranges` divide: anything with a known number of items.

use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use crate::call::{Call, TaskFn};

/// Things that can be counted and divided into ranges.
///
/// Implement it for a database query with a count, say; the chunk function is then given positions
/// and fetches the items itself:
///
/// ```
/// struct Query { count: usize }
///
/// impl multicore::Items for Query {
///     fn bounds(&self) -> std::ops::Range<usize> {
///         0..self.count
///     }
/// }
///
/// assert!(multicore::ranges_with(&Query { count: 5 }, 0, 2).eq([(0, 3), (3, 5)]));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no known number of items to divide",
    label = "not divisible",
    note = "divide a slice, a `Vec`, an array, a `Range<usize>` or a `LazyLock` of one of them, or implement `multicore::Items`"
)]
pub trait Items {
    /// The first position and the one after the last: `0..n` for `n` items. Chunks lie within.
    fn bounds(&self) -> Range<usize>;
}

/// Items that lie in a slice, for chunk functions that take one.
#[doc(hidden)]
pub trait SliceOf<T>: Items {
    fn slice(&self) -> &[T];
}

impl<T> Items for [T] {
    fn bounds(&self) -> Range<usize> {
        0..self.len()
    }
}

impl<T> SliceOf<T> for [T] {
    fn slice(&self) -> &[T] {
        self
    }
}

impl<T, const N: usize> Items for [T; N] {
    fn bounds(&self) -> Range<usize> {
        0..N
    }
}

impl<T, const N: usize> SliceOf<T> for [T; N] {
    fn slice(&self) -> &[T] {
        self
    }
}

impl<T> Items for Vec<T> {
    fn bounds(&self) -> Range<usize> {
        0..self.len()
    }
}

impl<T> SliceOf<T> for Vec<T> {
    fn slice(&self) -> &[T] {
        self
    }
}

impl Items for Range<usize> {
    fn bounds(&self) -> Range<usize> {
        self.start..self.end.max(self.start)
    }
}

/// Whatever points to items has the same items.
macro_rules! point_to_items {
    ($([$($generics:tt)*] $pointer:ty),* $(,)?) => {$(
        impl<I: Items + $($generics)*> Items for $pointer {
            fn bounds(&self) -> Range<usize> {
                (**self).bounds()
            }
        }

        impl<T, I: SliceOf<T> + $($generics)*> SliceOf<T> for $pointer {
            fn slice(&self) -> &[T] {
                (**self).slice()
            }
        }
    )*};
}

point_to_items! {
    [?Sized] &I,
    [?Sized] Box<I>,
    [?Sized] Rc<I>,
    [?Sized] Arc<I>,
    [Sized, F: FnOnce() -> I] LazyLock<I, F>,
}

/// A task that can be called with these arguments, as a tuple.
#[doc(hidden)]
pub trait CallWith<'a, Arguments>: TaskFn {
    fn call_with(arguments: Arguments) -> Call<'a, Self::Output>;

    /// Runs the function right here, and nothing around it: panics pass through.
    fn run_with(arguments: Arguments) -> Self::Output;
}

/// Task functions that can work on a chunk of `I`.
///
/// `Shape` tells the implementations apart and is always inferred: a task has one list of
/// arguments, so at most one shape fits.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no chunk function for these items",
    label = "the chunk function has the wrong arguments",
    note = "a chunk function takes `(start: usize, end: usize)`, `(range: Range<usize>)` or, where the items lie in a slice, `(chunk: &[T])`"
)]
pub trait Chunks<I: ?Sized, Shape> {
    type Output;

    fn call<'i>(items: &'i I, range: Range<usize>) -> Call<'i, Self::Output>;
}

/// `(start: usize, end: usize)`.
#[doc(hidden)]
pub enum StartEnd {}

/// `(range: Range<usize>)`.
#[doc(hidden)]
pub enum InRange {}

/// `(chunk: &[T])`.
#[doc(hidden)]
pub struct InSlice<T>(std::marker::PhantomData<T>);

#[diagnostic::do_not_recommend]
impl<I: ?Sized, F> Chunks<I, StartEnd> for F
where
    F: for<'a> CallWith<'a, (usize, usize)>,
{
    type Output = F::Output;

    fn call<'i>(_: &'i I, range: Range<usize>) -> Call<'i, F::Output> {
        F::call_with((range.start, range.end))
    }
}

#[diagnostic::do_not_recommend]
impl<I: ?Sized, F> Chunks<I, InRange> for F
where
    F: for<'a> CallWith<'a, (Range<usize>,)>,
{
    type Output = F::Output;

    fn call<'i>(_: &'i I, range: Range<usize>) -> Call<'i, F::Output> {
        F::call_with((range,))
    }
}

#[diagnostic::do_not_recommend]
impl<I, F, T> Chunks<I, InSlice<T>> for F
where
    F: for<'a> CallWith<'a, (&'a [T],)>,
    I: SliceOf<T> + ?Sized,
    T: 'static,
{
    type Output = F::Output;

    fn call<'i>(items: &'i I, range: Range<usize>) -> Call<'i, F::Output> {
        F::call_with((&items.slice()[range],))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_a_range_are_its_own_and_of_everything_else_start_at_zero() {
        assert_eq!((10..20).bounds(), 10..20);
        assert_eq!([1, 2, 3].bounds(), 0..3);
        assert_eq!((&&vec![1, 2]).bounds(), 0..2);
        static LAZY: LazyLock<Vec<u8>> = LazyLock::new(|| vec![0; 7]);
        assert_eq!(LAZY.bounds(), 0..7);
    }

    #[test]
    #[allow(clippy::reversed_empty_ranges)]
    fn a_reversed_range_is_empty() {
        assert_eq!((20..10).bounds(), 20..20);
    }
}
