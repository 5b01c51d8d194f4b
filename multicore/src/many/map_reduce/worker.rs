//! The two stages, as workers run them.

use std::fs::File;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::merge::{Merge, Values};
use super::run::{RunReader, RunWriter};
use super::scratch::{Extent, Place};
use super::stages::{CombineTask, Key, MapTask, ReduceTask, Travels};
use super::table::{Spill, Table};
use super::trouble::Trouble;
use crate::call::Invocation;
use crate::codec::{self, Failure};
use crate::resource::scope;
use crate::shared::travel;

/// What a map call is to do, beside its inputs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MapOrder {
    /// Where it writes, from this byte on.
    pub(super) file: Place,
    pub(super) start: u64,
    pub(super) partitions: usize,
    pub(super) memory: usize,
}

/// What became of a map call.
#[derive(Serialize, Deserialize)]
#[serde(bound = "E: Serialize + serde::de::DeserializeOwned")]
pub(super) enum MapAnswer<E> {
    Done {
        spills: Vec<Spill>,
        end: u64,
        took: Duration,
    },
    /// By the task itself.
    Refused(E),
    Failed(Trouble),
}

/// What a reduce call is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ReduceOrder {
    pub(super) files: Vec<Place>,
    /// The partition's runs in the order of the inputs, each with its file.
    pub(super) runs: Vec<(usize, Extent)>,
    /// Which file it writes to, from this byte on.
    pub(super) out: usize,
    pub(super) start: u64,
    pub(super) memory: usize,
}

/// What became of a reduce call: where its results are, how many, and where the file ends now.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reduction {
    pub(super) run: Extent,
    pub(super) keys: u64,
    pub(super) end: u64,
}

/// What a worker runs for the map stage.
///
/// # Errors
/// The codec's, or the window's.
pub(super) fn map_stage<M: MapTask<S>, C: CombineTask<M::Value>, S>(
    invocation: Invocation<'_, '_, '_>,
) -> Result<(), Failure> {
    let mut input = invocation.input();
    let (order, inputs) = travel::taking(|| codec::decode(input.codec, &mut input.rest))?;
    input.finish()?;
    codec::encode(invocation.codec, &map::<M, C, S>(order, inputs), invocation.results)
}

pub(super) fn map<M: MapTask<S>, C: CombineTask<M::Value>, S>(
    order: MapOrder,
    inputs: Vec<M::Input>,
) -> MapAnswer<M::Error> {
    scope::around(|| map_inputs::<M, C, S>(order, inputs), |answer| !matches!(answer, MapAnswer::Done { .. }))
}

fn map_inputs<M: MapTask<S>, C: CombineTask<M::Value>, S>(
    order: MapOrder,
    inputs: Vec<M::Input>,
) -> MapAnswer<M::Error> {
    let began = Instant::now();
    let file = match order.file.open() {
        Ok(file) => file,
        Err(trouble) => return MapAnswer::Failed(trouble),
    };
    let mut table = Table::<M::Key, M::Value, C>::new(&file, order.start, order.partitions, order.memory);
    for input in inputs {
        let pairs = match M::pairs(input) {
            Ok(pairs) => pairs,
            Err(error) => return MapAnswer::Refused(error),
        };
        if let Err(trouble) = pairs.into_iter().try_for_each(|(key, value)| table.add(key, value)) {
            return MapAnswer::Failed(trouble);
        }
    }
    match table.finish() {
        Ok((spills, end)) => MapAnswer::Done { spills, end, took: began.elapsed() },
        Err(trouble) => MapAnswer::Failed(trouble),
    }
}

/// What a worker runs for the reduce stage.
///
/// # Errors
/// The codec's, or the window's.
pub(super) fn reduce_stage<M, C, R, S, T>(invocation: Invocation<'_, '_, '_>) -> Result<(), Failure>
where
    M: MapTask<S>,
    C: CombineTask<M::Value>,
    R: ReduceTask<M::Key, M::Value, T>,
{
    let mut input = invocation.input();
    let order = codec::decode(input.codec, &mut input.rest)?;
    input.finish()?;
    let answer = reduce::<M::Key, M::Value, C, R, T>(order);
    codec::encode(invocation.codec, &answer, invocation.results)
}

pub(super) fn reduce<K, V, C, R, T>(order: ReduceOrder) -> Result<Reduction, Trouble>
where
    K: Key,
    V: Travels,
    C: CombineTask<V>,
    R: ReduceTask<K, V, T>,
{
    scope::around(|| reduce_runs::<K, V, C, R, T>(order), Result::is_err)
}

fn reduce_runs<K, V, C, R, T>(order: ReduceOrder) -> Result<Reduction, Trouble>
where
    K: Key,
    V: Travels,
    C: CombineTask<V>,
    R: ReduceTask<K, V, T>,
{
    let files = order.files.iter().map(|file| file.open().map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
    let out = files.get(order.out).ok_or(Trouble::Replaced)?;
    let stage = Reducer::<K, V, C> { files: &files, buffers: Buffers::of(order.memory), types: PhantomData };
    let (runs, start) = stage.until_few(order.runs, order.out, order.start)?;
    let mut merge = stage.merge(&runs)?;
    let mut out = RunWriter::new(out, start);
    let mut keys = 0;
    while let Some(key) = merge.key()? {
        keys += 1;
        out.key(&key)?;
        let mut values = Values(&mut merge);
        let result = if C::FOLDS {
            let folded = folded::<V, C>(&mut values)?;
            R::reduce(key, folded.into_iter().map(Ok::<V, Trouble>))?
        } else {
            R::reduce(key, values)?
        };
        out.value(&result)?;
    }
    let run = out.end_run();
    Ok(Reduction { run, keys, end: out.finish()? })
}

struct Reducer<'f, K, V, C> {
    files: &'f [Arc<File>],
    buffers: Buffers,
    types: PhantomData<(K, V, C)>,
}

impl<K: Key, V: Travels, C: CombineTask<V>> Reducer<'_, K, V, C> {
    fn merge(&self, runs: &[(usize, Extent)]) -> Result<Merge<K, V>, Trouble> {
        let reader = |&(file, run): &(usize, Extent)| {
            let file = self.files.get(file).ok_or(Trouble::Replaced)?;
            Ok(RunReader::new(file.clone(), run, self.buffers.piece))
        };
        Merge::new(runs.iter().map(reader).collect::<Result<_, Trouble>>()?)
    }

    /// Merges neighbours until there are no more runs than can be open at once; and where the file ends then.
    fn until_few(
        &self,
        mut runs: Vec<(usize, Extent)>,
        into: usize,
        mut end: u64,
    ) -> Result<(Vec<(usize, Extent)>, u64), Trouble> {
        while runs.len() > self.buffers.at_once {
            let mut fewer = Vec::with_capacity(runs.len().div_ceil(self.buffers.at_once));
            for some in runs.chunks(self.buffers.at_once) {
                let [several @ .., _] = some else { continue };
                if several.is_empty() {
                    fewer.extend(some);
                    continue;
                }
                let mut out = RunWriter::new(self.files.get(into).ok_or(Trouble::Replaced)?, end);
                self.rewrite(self.merge(some)?, &mut out)?;
                fewer.push((into, out.end_run()));
                end = out.finish()?;
            }
            runs = fewer;
        }
        Ok((runs, end))
    }

    fn rewrite(&self, mut merge: Merge<K, V>, out: &mut RunWriter<'_>) -> Result<(), Trouble> {
        while let Some(key) = merge.key()? {
            out.key(&key)?;
            if C::FOLDS {
                let folded = folded::<V, C>(&mut Values(&mut merge))?;
                folded.iter().try_for_each(|value| out.value(value))?;
            } else {
                while merge.with_value(|bytes| out.encoded_value(bytes))?.transpose()?.is_some() {}
            }
        }
        Ok(())
    }
}

/// All values of a key as one; `None` where there are none.
fn folded<V, C: CombineTask<V>>(
    values: &mut impl Iterator<Item = Result<V, Trouble>>,
) -> Result<Option<V>, Trouble> {
    let Some(first) = values.next().transpose()? else { return Ok(None) };
    values.try_fold(first, |folded, value| Ok(C::combine(folded, value?))).map(Some)
}

/// How many runs are read at once, and in pieces of how many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Buffers {
    pub(super) at_once: usize,
    pub(super) piece: usize,
}

impl Buffers {
    const LEAST: usize = 16 << 10;

    pub(super) fn of(memory: usize) -> Buffers {
        let at_once = (memory / Buffers::LEAST).clamp(2, 512);
        Buffers { at_once, piece: (memory / at_once).clamp(4 << 10, 256 << 10) }
    }
}
