//! The client's side: which call is next, and what becomes of all of them.

use std::path::PathBuf;
use std::time::Duration;

use super::flights::{Files, Flights};
use super::inputs::Inputs;
use super::output::{Part, Reduced};
use super::scratch::{Extent, Scratch};
use super::stages::{CombineTask, MapTask, ReduceTask};
use super::table::Spill;
use super::trouble::Trouble;
use super::worker::{self, MapAnswer, MapOrder, ReduceOrder, Reduction};
use crate::call::{Arguments, Call, Encoder, Invocation, Reply, TaskFn};
use crate::codec::{self, Failure};
use crate::error::{Error, Result};
use crate::pool::{Place, Pool, default};
use crate::registry::{Entry, Run};

/// The hidden tasks of one `map_reduce!`.
pub struct Stages {
    /// It runs [`Job::map`].
    pub map: &'static Entry,
    /// It runs [`Job::reduce`].
    pub reduce: &'static Entry,
}

/// The options of one `map_reduce!`.
#[derive(Default)]
pub struct MapReduceOptions<'p> {
    /// Into how many parts keys are divided; a reduce call is one of them.
    pub partitions: Option<usize>,
    /// How many calls are under way at once.
    pub workers: Option<usize>,
    /// The pool to use in place of the default one.
    pub pool: Option<&'p Pool>,
    /// Bytes that each worker may use, about, for what it brings together.
    pub memory: Option<usize>,
    /// How long one call may run.
    pub timeout: Option<Duration>,
    /// How often one call may run again.
    pub retries: Option<u32>,
    /// Where the temporary files are.
    pub folder: Option<PathBuf>,
}

/// What each worker may use when nothing else is asked for.
const MEMORY: usize = 64 << 20;
/// Partitions for each worker: enough that uneven ones still end together.
const PARTITIONS_PER_WORKER: usize = 4;
/// The most partitions; each has a buffer while the results are read.
const MOST_PARTITIONS: usize = 4096;

/// What is made of one `map_reduce!`'s task functions: what its hidden tasks run, and what its client does.
///
/// All of it comes out of [`job`], so that what a task function lacks is one error, wherever it is used.
pub struct Job<I, O> {
    map: Run,
    reduce: Run,
    drive: Drive<I, O>,
}

type Drive<I, O> = fn(&mut dyn Iterator<Item = I>, &Stages, MapReduceOptions<'_>) -> Result<O>;

/// What the caller of a `map_reduce!` gets.
type Made<M, R, S> = <M as MapTask<S>>::Outcome<Reduced<<M as MapTask<S>>::Key, <R as TaskFn>::Output>>;

/// The job of these task functions.
#[must_use]
pub fn job<M, C, R, S, T>() -> Job<M::Input, Made<M, R, S>>
where
    M: MapTask<S>,
    C: CombineTask<M::Value>,
    R: ReduceTask<M::Key, M::Value, T>,
{
    Job {
        map: worker::map_stage::<M, C, S>,
        reduce: worker::reduce_stage::<M, C, R, S, T>,
        drive: drive::<M, C, R, S, T>,
    }
}

impl<I, O> Job<I, O> {
    /// What a worker runs for the map stage.
    ///
    /// # Errors
    /// The codec's, or the window's.
    pub fn map(&self, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        (self.map)(invocation)
    }

    /// What a worker runs for the reduce stage.
    ///
    /// # Errors
    /// The codec's, or the window's.
    pub fn reduce(&self, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        (self.reduce)(invocation)
    }

    /// Runs the map task on every input, brings the pairs together by key, and runs the reduce task on each key.
    ///
    /// # Errors
    /// Those of `map_reduce!`.
    pub fn drive(
        &self,
        inputs: impl IntoIterator<Item = I>,
        stages: &Stages,
        options: MapReduceOptions<'_>,
    ) -> Result<O> {
        (self.drive)(&mut inputs.into_iter(), stages, options)
    }
}

fn drive<M, C, R, S, T>(
    inputs: &mut dyn Iterator<Item = M::Input>,
    stages: &Stages,
    options: MapReduceOptions<'_>,
) -> Result<Made<M, R, S>>
where
    M: MapTask<S>,
    C: CombineTask<M::Value>,
    R: ReduceTask<M::Key, M::Value, T>,
{
    options.check()?;
    let opened = match options.pool {
        Some(_) => None,
        None => Some(default::pool()?),
    };
    let pool = options.pool.or(opened.as_deref()).ok_or(Error::Closed)?;
    refuse_sandbox(pool)?;
    let plan = Plan::of(&options, pool, stages);
    let timeout = options.timeout.or(M::entry().timeout);
    let inputs = Inputs::new(inputs, pool.workers(), timeout, pool.payload_limit());
    let mut files = Files::new(options.folder.unwrap_or_else(std::env::temp_dir), pool, plan.at_once);
    Ok(M::outcome(match plan.map::<M, C, S, _>(pool, inputs, &mut files)? {
        Err(error) => Err(error),
        Ok(runs) => {
            let parts = plan.reduce::<M, C, R, S, T>(pool, &runs, &mut files)?;
            Ok(Reduced::new(&files.files, parts, plan.memory, R::name())?)
        }
    }))
}

fn refuse_sandbox(pool: &Pool) -> Result<()> {
    match pool.engine.place() {
        Place::Workers(client) if client.settings.sandbox.is_some() => Err(Error::refused(
            "`map_reduce!` brings pairs together in files, and the workers of a sandboxed pool cannot open them; give it a pool without a sandbox",
        )),
        Place::Here { .. } => pool.engine.allow_here(),
        _ => Ok(()),
    }
}

impl MapReduceOptions<'_> {
    fn check(&self) -> Result<()> {
        for (name, value) in [("partitions", self.partitions), ("workers", self.workers)] {
            if value == Some(0) {
                let why = "0 would run nothing; leave the option out or write at least 1";
                return Err(Error::config(name, why));
            }
        }
        if self.partitions.is_some_and(|partitions| partitions > MOST_PARTITIONS) {
            return Err(Error::config("partitions", format!("at most {MOST_PARTITIONS} make sense")));
        }
        Ok(())
    }
}

/// What was written by the map stage: each with its file, in the order of the inputs.
type Runs = Vec<(usize, Spill)>;

struct Plan<'s> {
    stages: &'s Stages,
    partitions: usize,
    memory: usize,
    at_once: usize,
    timeout: Option<Duration>,
    retries: Option<u32>,
}

impl<'s> Plan<'s> {
    fn of(options: &MapReduceOptions<'_>, pool: &Pool, stages: &'s Stages) -> Plan<'s> {
        let workers = pool.workers().max(1);
        let partitions = workers.saturating_mul(PARTITIONS_PER_WORKER).min(MOST_PARTITIONS);
        Plan {
            stages,
            partitions: options.partitions.unwrap_or(partitions),
            memory: options.memory.unwrap_or(MEMORY),
            // One that runs and one that is next, for each worker.
            at_once: options.workers.unwrap_or(workers.saturating_mul(2)),
            timeout: options.timeout,
            retries: options.retries,
        }
    }

    /// The runs of all inputs, or the first error of the map task itself in their order.
    fn map<M, C, S, I>(
        &self,
        pool: &Pool,
        mut inputs: Inputs<I>,
        files: &mut Files,
    ) -> Result<Result<Runs, M::Error>>
    where
        M: MapTask<S>,
        C: CombineTask<M::Value>,
        I: Iterator<Item = M::Input>,
    {
        let mut flights = Flights::new(pool, M::name());
        let mut runs = Runs::new();
        let mut sent = Ok(());
        loop {
            if sent.is_ok() {
                sent = flights.fill(files, |files, file| {
                    let some = inputs.take();
                    let order = self.map_order(&files[file]);
                    (!some.is_empty()).then(|| (some.len(), self.map_call::<M, C, S>(order, some)))
                });
            }
            let landed = match flights.land(files) {
                // One that was sent before may have failed; none has.
                None => return sent.map(|()| Ok(runs)),
                Some(Ok(landed)) => landed,
                Some(Err(error)) => {
                    flights.settle();
                    return Err(error);
                }
            };
            match landed.answer {
                MapAnswer::Done { spills, end, took } => {
                    files.files[landed.file].end = end;
                    runs.extend(spills.into_iter().map(|spill| (landed.file, spill)));
                    inputs.learn(landed.note, took);
                }
                MapAnswer::Refused(error) => {
                    flights.settle();
                    return Ok(Err(error));
                }
                MapAnswer::Failed(trouble) => {
                    flights.settle();
                    return Err(trouble.into_error(M::name()));
                }
            }
        }
    }

    fn map_order(&self, file: &Scratch) -> MapOrder {
        MapOrder { file: file.place(), start: file.end, partitions: self.partitions, memory: self.memory }
    }

    fn map_call<'a, M, C, S>(&self, order: MapOrder, inputs: Vec<M::Input>) -> Call<'a, MapAnswer<M::Error>>
    where
        M: MapTask<S>,
        C: CombineTask<M::Value> + 'a,
        S: 'a,
    {
        let run = |(order, inputs)| worker::map::<M, C, S>(order, inputs);
        self.like(M::entry(), call(self.stages.map, (order, inputs), run))
    }

    /// The results of each partition.
    fn reduce<M, C, R, S, T>(&self, pool: &Pool, runs: &Runs, files: &mut Files) -> Result<Vec<Part>>
    where
        M: MapTask<S>,
        C: CombineTask<M::Value>,
        R: ReduceTask<M::Key, M::Value, T>,
    {
        let of = |partition| -> Vec<(usize, Extent)> {
            runs.iter().filter_map(|(file, spill)| Some((*file, spill.run(partition)?))).collect()
        };
        let mut partitions = (0..self.partitions).map(of).filter(|runs| !runs.is_empty());
        let mut flights = Flights::<(), Result<Reduction, Trouble>>::new(pool, R::name());
        let mut parts = Vec::new();
        let mut sent = Ok(());
        loop {
            if sent.is_ok() {
                sent = flights.fill(files, |files, out| {
                    let runs = partitions.next()?;
                    let places = files.iter().map(Scratch::place).collect();
                    let order =
                        ReduceOrder { files: places, runs, out, start: files[out].end, memory: self.memory };
                    let run = worker::reduce::<M::Key, M::Value, C, R, T>;
                    Some(((), self.like(R::entry(), call(self.stages.reduce, order, run))))
                });
            }
            let landed = match flights.land(files) {
                None => return sent.map(|()| parts),
                Some(landed) => landed.and_then(|landed| {
                    Ok((landed.file, landed.answer.map_err(|t| t.into_error(R::name()))?))
                }),
            };
            match landed {
                Ok((file, Reduction { run, keys, end })) => {
                    files.files[file].end = end;
                    parts.push(Part { file, run, keys });
                }
                Err(error) => {
                    flights.settle();
                    return Err(error);
                }
            }
        }
    }

    /// What the task's own options say, where those of the `map_reduce!` say nothing.
    fn like<'a, A>(&self, task: &Entry, mut call: Call<'a, A>) -> Call<'a, A> {
        call.timeout = self.timeout.or(task.timeout);
        call.retries = self.retries.unwrap_or(task.retries);
        call.isolate = task.isolate;
        call
    }
}

/// A call of a hidden task.
fn call<'a, A, R>(entry: &'static Entry, arguments: A, run: impl FnOnce(A) -> R + 'a) -> Call<'a, R>
where
    A: serde::Serialize + 'a,
    R: serde::de::DeserializeOwned + 'a,
{
    let encode = |arguments: &A, encoder: &mut Encoder<'_, '_>| -> Result<(), Failure> {
        codec::encode(encoder.codec, arguments, encoder.out)
    };
    let decode = |reply: Reply<'_>| codec::decode_whole(reply.codec, reply.payload);
    Call::new(entry, Box::new(Arguments { arguments, encode, run }), decode)
}
