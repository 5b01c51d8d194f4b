//! The pairs that one call has made, in memory, until they are written as runs.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::run::RunWriter;
use super::scratch::Extent;
use super::stages::{CombineTask, Key, Travels};
use super::trouble::Trouble;
use crate::codec;

/// What was written of one table: a run for each partition, one behind the other.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spill {
    pub(super) start: u64,
    pub(super) lens: Vec<u64>,
}

impl Spill {
    /// Where the run of one partition is; `None` where it is empty.
    pub(super) fn run(&self, partition: usize) -> Option<Extent> {
        let before: u64 = self.lens.get(..partition)?.iter().fold(0, |sum, len| sum.saturating_add(*len));
        let len = *self.lens.get(partition)?;
        (len != 0).then_some(Extent { start: self.start.saturating_add(before), len })
    }
}

/// Combines as pairs come in; knows about how much memory it takes.
pub(super) struct Table<'f, K, V, C> {
    pairs: HashMap<Hashed<K>, Slot<V>, BuildHasherDefault<Known>>,
    out: RunWriter<'f>,
    start: u64,
    spills: Vec<Spill>,
    partitions: usize,
    /// Bytes, about, of what is in `pairs`.
    weight: usize,
    /// Written out above this.
    memory: usize,
    scales: Scales,
    combiner: PhantomData<C>,
}

/// What a key has so far.
enum Slot<V> {
    One(V),
    Many(Vec<V>),
}

impl<V> Slot<V> {
    fn values(self) -> impl Iterator<Item = V> {
        let (one, many) = match self {
            Slot::One(value) => (Some(value), Vec::new()),
            Slot::Many(values) => (None, values),
        };
        one.into_iter().chain(many)
    }
}

impl<'f, K: Key, V: Travels, C: CombineTask<V>> Table<'f, K, V, C> {
    pub(super) fn new(file: &'f File, at: u64, partitions: usize, memory: usize) -> Self {
        Table {
            pairs: HashMap::default(),
            out: RunWriter::new(file, at),
            start: at,
            spills: Vec::new(),
            partitions,
            weight: 0,
            memory,
            scales: Scales::default(),
            combiner: PhantomData,
        }
    }

    pub(super) fn add(&mut self, key: K, value: V) -> Result<(), Trouble> {
        let hash = hash(&key);
        match self.pairs.entry(Hashed { hash, key }) {
            Entry::Vacant(vacant) => {
                // The table is half empty at times, and what is sorted is moved once.
                let fixed = 3 * size_of::<(Hashed<K>, Slot<V>)>();
                self.weight += fixed + self.scales.weigh(&vacant.key().key)? + self.scales.weigh(&value)?;
                vacant.insert(Slot::One(value));
            }
            Entry::Occupied(mut occupied) if C::FOLDS => {
                self.weight += fold::<V, C>(occupied.get_mut(), value, &mut self.scales)?;
            }
            Entry::Occupied(mut occupied) => {
                self.weight += 2 * size_of::<V>() + self.scales.sample(&value)?;
                push(occupied.get_mut(), value);
            }
        }
        if self.weight > self.memory { self.spill() } else { Ok(()) }
    }

    /// Writes out what is left: what was written, and where the file ends now.
    pub(super) fn finish(mut self) -> Result<(Vec<Spill>, u64), Trouble> {
        self.spill()?;
        Ok((self.spills, self.out.finish()?))
    }

    fn spill(&mut self) -> Result<(), Trouble> {
        self.weight = 0;
        if self.pairs.is_empty() {
            return Ok(());
        }
        let partitions = self.partitions;
        let mut pairs: Vec<_> = self
            .pairs
            .drain()
            .map(|(Hashed { hash, key }, slot)| (partition(hash, partitions), key, slot))
            .collect();
        pairs.sort_unstable_by(|(p, a, _), (q, b, _)| match p.cmp(q) {
            Ordering::Equal => a.cmp(b),
            other => other,
        });
        let mut lens = vec![0; partitions];
        let mut current = 0;
        for (partition, key, slot) in pairs {
            if partition != current {
                lens[current] = self.out.end_run().len;
                current = partition;
            }
            self.out.key(&key)?;
            slot.values().try_for_each(|value| self.out.value(&value))?;
        }
        lens[current] = self.out.end_run().len;
        let start = self.start;
        self.start += lens.iter().sum::<u64>();
        self.spills.push(Spill { start, lens });
        Ok(())
    }
}

/// Folds the new value into what is there; by how much that grew.
fn fold<V: Travels, C: CombineTask<V>>(
    slot: &mut Slot<V>,
    value: V,
    scales: &mut Scales,
) -> Result<usize, Trouble> {
    let Slot::One(old) = std::mem::replace(slot, Slot::Many(Vec::new())) else {
        // Only a combiner that panicked leaves this, and then the table is gone as well.
        *slot = Slot::One(value);
        return Ok(0);
    };
    if !scales.is_turn() {
        *slot = Slot::One(C::combine(old, value));
        return Ok(0);
    }
    let before = scales.weigh(&old)?;
    let folded = C::combine(old, value);
    let grown = scales.weigh(&folded)?.saturating_sub(before);
    *slot = Slot::One(folded);
    Ok(grown * Scales::EVERY)
}

fn push<V>(slot: &mut Slot<V>, value: V) {
    match slot {
        Slot::Many(values) => values.push(value),
        one => {
            let first = std::mem::replace(one, Slot::Many(Vec::new()));
            *one = Slot::Many(first.values().chain([value]).collect());
        }
    }
}

/// Weighs values by their encoding: what they have on the heap stands there in about as many bytes.
#[derive(Default)]
struct Scales {
    pan: Vec<u8>,
    turn: usize,
}

impl Scales {
    /// Of values that meet a key that is there already, one in so many is weighed, for all of them.
    const EVERY: usize = 16;

    fn weigh<T: Serialize>(&mut self, value: &T) -> Result<usize, Trouble> {
        self.pan.clear();
        codec::append(value, &mut self.pan)?;
        Ok(self.pan.len())
    }

    fn is_turn(&mut self) -> bool {
        self.turn += 1;
        self.turn.is_multiple_of(Scales::EVERY)
    }

    fn sample<T: Serialize>(&mut self, value: &T) -> Result<usize, Trouble> {
        if self.is_turn() { Ok(self.weigh(value)? * Scales::EVERY) } else { Ok(0) }
    }
}

/// A key and its hash, which says in which partition it is and where in the table.
struct Hashed<K> {
    hash: u64,
    key: K,
}

impl<K: Eq> PartialEq for Hashed<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.key == other.key
    }
}

impl<K: Eq> Eq for Hashed<K> {}

impl<K> Hash for Hashed<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Hashes what is a hash already.
#[derive(Default)]
struct Known(u64);

impl Hasher for Known {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The same in every process of this program: the standard hasher without its random keys.
fn hash<K: Hash>(key: &K) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// By the hash's highest bits, which the table does not go by first.
fn partition(hash: u64, partitions: usize) -> usize {
    ((u128::from(hash) * partitions as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_has_a_partition() {
        for partitions in [1, 2, 3, 1000] {
            assert_eq!(partition(0, partitions), 0);
            assert_eq!(partition(u64::MAX, partitions), partitions - 1);
        }
    }

    #[test]
    fn a_spill_says_where_each_run_is() {
        let spill = Spill { start: 10, lens: vec![5, 0, 7] };
        assert_eq!(spill.run(0), Some(Extent { start: 10, len: 5 }));
        assert_eq!(spill.run(1), None);
        assert_eq!(spill.run(2), Some(Extent { start: 15, len: 7 }));
        assert_eq!(spill.run(3), None);
    }
}
