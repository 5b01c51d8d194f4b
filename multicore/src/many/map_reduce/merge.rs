//! Runs, merged: every key once, in order, with its values in the order of the runs.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::marker::PhantomData;

use super::run::{Item, RunReader};
use super::stages::{Key, Travels};
use super::trouble::Trouble;
use crate::codec;

pub(super) struct Merge<K, V> {
    runs: Vec<RunReader>,
    /// The next key of each run that has one, with the run's number; but for the runs in `sources`.
    heads: BinaryHeap<Reverse<(K, usize)>>,
    /// The runs that have values of the key that was given last.
    sources: VecDeque<usize>,
    values: PhantomData<V>,
}

impl<K: Key, V: Travels> Merge<K, V> {
    /// The order of the runs is that of the values.
    pub(super) fn new(runs: Vec<RunReader>) -> Result<Self, Trouble> {
        let mut merge = Merge {
            heads: BinaryHeap::with_capacity(runs.len()),
            sources: VecDeque::with_capacity(runs.len()),
            runs,
            values: PhantomData,
        };
        for run in 0..merge.runs.len() {
            if merge.value_of(run, |_| ())?.is_some() {
                return Err(Trouble::Decode("a value has no key".to_owned()));
            }
        }
        Ok(merge)
    }

    /// The next key; what is left of the values of the one before is passed over.
    pub(super) fn key(&mut self) -> Result<Option<K>, Trouble> {
        while self.with_value(|_| ())?.is_some() {}
        let Some(Reverse((key, run))) = self.heads.pop() else { return Ok(None) };
        self.sources.push_back(run);
        while self.heads.peek().is_some_and(|Reverse((other, _))| *other == key) {
            let Some(Reverse((_, run))) = self.heads.pop() else { break };
            self.sources.push_back(run);
        }
        Ok(Some(key))
    }

    /// The next value of this key.
    pub(super) fn value(&mut self) -> Result<Option<V>, Trouble> {
        self.with_value(codec::read_appended::<V>)?.transpose().map_err(Trouble::from)
    }

    /// Gives the next value's bytes to `use_it`; `None` when there is none.
    pub(super) fn with_value<T>(&mut self, mut use_it: impl FnMut(&[u8]) -> T) -> Result<Option<T>, Trouble> {
        while let Some(&run) = self.sources.front() {
            if let Some(used) = self.value_of(run, &mut use_it)? {
                return Ok(Some(used));
            }
            self.sources.pop_front();
        }
        Ok(None)
    }

    /// The next item of a run, if it is a value; a key goes to the heads.
    fn value_of<T>(&mut self, run: usize, use_it: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, Trouble> {
        match self.runs[run].next()? {
            None => Ok(None),
            Some(Item::Value(bytes)) => Ok(Some(use_it(bytes))),
            Some(Item::Key(bytes)) => {
                self.heads.push(Reverse((codec::read_appended(bytes)?, run)));
                Ok(None)
            }
        }
    }
}

/// The values of one key, decoded as they are asked for.
pub(super) struct Values<'m, K, V>(pub(super) &'m mut Merge<K, V>);

impl<K: Key, V: Travels> Iterator for Values<'_, K, V> {
    type Item = Result<V, Trouble>;

    fn next(&mut self) -> Option<Result<V, Trouble>> {
        self.0.value().transpose()
    }
}
