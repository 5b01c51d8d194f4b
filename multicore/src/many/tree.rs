//! Results folded pairwise in the workers.

use std::collections::VecDeque;

use crate::call::{Call, TaskFn};
use crate::error::Result;
use crate::handle::Handle;
use crate::many::items::CallWith;
use crate::pool::{Pool, default};

/// Task functions that merge two results into one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot merge two results into one",
    label = "a merge task takes two values and returns one, all of one type",
    note = "a merge task is a task function `(a: T, b: T) -> T`, with its arguments by value"
)]
pub trait MergeTask: TaskFn<Output: 'static> {
    /// A call of it.
    fn merge(a: Self::Output, b: Self::Output) -> Call<'static, Self::Output>;
}

#[diagnostic::do_not_recommend]
impl<M, T: 'static> MergeTask for M
where
    M: TaskFn<Output = T> + for<'a> CallWith<'a, (T, T)>,
{
    fn merge(a: T, b: T) -> Call<'static, T> {
        M::call_with((a, b))
    }
}

/// Runs calls and folds their results pairwise, in the workers of the default pool: `None` of no calls.
///
/// `tree_reduce::<merge>(calls)` is what `calls` in order, folded by `merge`, would be one after another, as long as
/// `merge` is associative; it need not be commutative. Results of neighbours meet first, so each goes through as
/// many merges as a tree over the calls has levels, about log2 of their number. Where keys are to be brought
/// together, or results do not fit the memory, use [`map_reduce!`](crate::map_reduce).
///
/// Calls are taken from the iterator as workers come free, two for each worker at once; so an iterator of any
/// length runs in the memory of a few dozen results. Two results that wait for each other wait in the client, which
/// decodes and encodes them once for each merge.
///
/// ```
/// use std::collections::BTreeMap;
///
/// #[multicore::task]
/// fn count(text: &str) -> BTreeMap<char, usize> {
///     text.chars().fold(BTreeMap::new(), |mut counts, c| {
///         *counts.entry(c).or_default() += 1;
///         counts
///     })
/// }
///
/// #[multicore::task]
/// fn merge(mut a: BTreeMap<char, usize>, b: BTreeMap<char, usize>) -> BTreeMap<char, usize> {
///     b.into_iter().for_each(|(c, n)| *a.entry(c).or_default() += n);
///     a
/// }
///
/// let texts = ["anna", "otto", "hannah"];
/// let counts = multicore::tree_reduce::<merge>(texts.iter().map(|text| count::call(text)))?;
/// assert_eq!(counts.unwrap()[&'n'], 4);
/// # Ok::<(), multicore::Error>(())
/// ```
///
/// # Errors
/// The first error in the order in which results are folded; the calls that are under way then are cancelled, and have settled
/// when it is returned.
pub fn tree_reduce<'a, M: MergeTask>(
    calls: impl IntoIterator<Item = Call<'a, M::Output>>,
) -> Result<Option<M::Output>> {
    default::pool()?.tree_reduce::<M>(calls)
}

impl Pool {
    /// As [`tree_reduce`], on this pool.
    ///
    /// # Errors
    /// As [`tree_reduce`].
    pub fn tree_reduce<'a, M: MergeTask>(
        &self,
        calls: impl IntoIterator<Item = Call<'a, M::Output>>,
    ) -> Result<Option<M::Output>> {
        let mut tree = Tree::<M> { pool: self, waiting: Vec::new(), under_way: VecDeque::new() };
        let result = tree.fold(calls);
        if result.is_err() {
            tree.settle();
        }
        result
    }
}

/// A binary counter: results of a level come in order, and at each level at most one waits for its neighbour.
struct Tree<'p, M: MergeTask> {
    pool: &'p Pool,
    /// The result that waits at each level. Higher levels are of earlier calls.
    waiting: Vec<Option<M::Output>>,
    /// In the order of their start, each with its level: 0 for a call, one more for each merge.
    under_way: VecDeque<(usize, Handle<M::Output>)>,
}

impl<M: MergeTask> Tree<'_, M> {
    fn fold<'a>(
        &mut self,
        calls: impl IntoIterator<Item = Call<'a, M::Output>>,
    ) -> Result<Option<M::Output>> {
        let mut calls = calls.into_iter();
        let at_once = self.pool.workers().saturating_mul(2).max(1);
        loop {
            while self.under_way.len() < at_once
                && let Some(call) = calls.next()
            {
                self.start(0, call)?;
            }
            let Some((level, handle)) = self.under_way.pop_front() else { break };
            self.land(level, handle.get()?)?;
        }
        self.what_waits()
    }

    fn start(&mut self, level: usize, call: Call<'_, M::Output>) -> Result<()> {
        let mut handle = self.pool.spawn(call)?;
        // Should the iterator panic.
        handle.abort = true;
        self.under_way.push_back((level, handle));
        Ok(())
    }

    /// Has a result meet its neighbour, or wait for it.
    fn land(&mut self, level: usize, result: M::Output) -> Result<()> {
        if self.waiting.len() <= level {
            self.waiting.resize_with(level + 1, || None);
        }
        match self.waiting[level].take() {
            Some(neighbour) => self.start(level + 1, M::merge(neighbour, result)),
            None => {
                self.waiting[level] = Some(result);
                Ok(())
            }
        }
    }

    /// Folds what has no neighbour, from the last calls to the first.
    fn what_waits(&mut self) -> Result<Option<M::Output>> {
        let mut waiting = self.waiting.drain(..).flatten();
        let Some(last) = waiting.next() else { return Ok(None) };
        waiting.try_fold(last, |folded, earlier| self.pool.spawn(M::merge(earlier, folded))?.get()).map(Some)
    }

    /// Ends what is under way, and waits until it has ended.
    fn settle(&mut self) {
        self.under_way.iter().for_each(|(_, handle)| handle.cancel());
        for (_, handle) in self.under_way.drain(..) {
            // The error of before is the one that counts.
            let _ = handle.get();
        }
    }
}
