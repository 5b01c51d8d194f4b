//! multicore itself, as its users have it.
//!
//! Every task gives back, with its result, the process that it ran in. What did not run in a worker of
//! the pool is an error, and so is the whole run.

mod footprint;

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use multicore::{Handle, Pool, Shared, Task, par_ranges};

pub(super) use self::footprint::{idle, memory};
use super::{Crew, Setting};
use crate::work;

/// This process where it is a worker; 0 elsewhere. The kernel takes longer to say it than a call may.
static WORKER: AtomicU32 = AtomicU32::new(0);

#[multicore::worker_start]
fn remember_worker() {
    WORKER.store(std::process::id(), Relaxed);
}

/// What is wrong with a result that comes from no worker.
const IN_CLIENT: &str = "a call ran in the client";

/// A result, and the worker that it comes from.
type Ran<T> = (u32, T);

fn ran<T>(result: T) -> Ran<T> {
    (WORKER.load(Relaxed), result)
}

#[multicore::task]
fn next(n: u64) -> Ran<u64> {
    ran(n + 1)
}

#[multicore::task]
fn next_all(start: u64, end: u64) -> Ran<u64> {
    ran(work::sum_of_next(start..end))
}

#[multicore::task]
fn glance(data: &[u8]) -> Ran<u64> {
    ran(work::glance(data))
}

/// The bytes, but for the first four: those are the worker's number.
#[multicore::task]
fn echo(bytes: &[u8]) -> Vec<u8> {
    let mut echo = bytes.to_vec();
    echo[..STAMP].copy_from_slice(&WORKER.load(Relaxed).to_le_bytes());
    echo
}

/// The part of the bytes that begins with this worker's number: it is one of the first [`NUMBERS`].
/// Nothing where it is not, as in the client.
#[multicore::task]
fn part(bytes: &[u8]) -> &[u8] {
    let worker = WORKER.load(Relaxed).to_le_bytes();
    let numbers = bytes[..NUMBERS * STAMP].chunks(STAMP);
    match numbers.into_iter().position(|number| number == worker) {
        Some(index) => &bytes[index * STAMP..],
        None => &[],
    }
}

/// How many workers' numbers stand before the payload of [`part`].
const NUMBERS: usize = super::WORKERS;

const STAMP: usize = size_of::<u32>();

#[multicore::task]
fn count_primes(start: u64, end: u64) -> Ran<u64> {
    ran(work::primes(start..end))
}

#[multicore::task]
fn primes_of_chunk(start: usize, end: usize) -> Ran<u64> {
    ran(work::primes(start as u64..end as u64))
}

#[multicore::task]
fn render(start: u64, end: u64) -> Ran<String> {
    ran(work::render(start..end))
}

#[multicore::task]
fn burn(turns: u64) -> Ran<u64> {
    ran(work::burn(turns))
}

#[multicore::task]
fn nothing(_start: usize, _end: usize) -> Ran<()> {
    ran(())
}

/// A pool, and the only processes that may answer.
pub(super) struct Ours {
    pool: Pool,
    workers: Vec<u32>,
}

impl Ours {
    pub(super) fn start(setting: &Setting) -> Result<Ours> {
        let mut config = Pool::builder().workers(setting.workers);
        if !setting.spin {
            config = config.spin(Duration::ZERO);
        }
        Ok(Ours { pool: config.build()?, workers: Vec::new() })
    }

    /// The result, if a worker of this pool gave it.
    fn checked<T>(&mut self, (pid, result): Ran<T>) -> Result<T> {
        if !self.workers.contains(&pid) {
            // Its first answer, perhaps.
            let workers = self.pool.state().workers;
            self.workers = workers.iter().filter_map(|worker| worker.pid).map(i32::unsigned_abs).collect();
        }
        ensure!(self.workers.contains(&pid), "a call ran in process {pid}, which is no worker of the pool");
        Ok(result)
    }

    fn group<T: 'static>(
        &mut self,
        ranges: &[Range<u64>],
        call: impl Fn(u64, u64) -> multicore::Call<'static, Ran<T>>,
    ) -> Result<Vec<T>> {
        let mut task = Task::on(&self.pool);
        for range in ranges {
            task.run(call(range.start, range.end))?;
        }
        let results = task.get()?;
        results.into_iter().map(|ran| self.checked(ran)).collect()
    }
}

/// J7: shared data reaches the workers of a pool that runs already; until all of them have looked at it.
pub(super) fn visible(len: usize) -> Result<Duration> {
    let data = Shared::<[u8]>::build(len, |bytes| bytes.copy_from_slice(&super::sample_data(len)))?;
    let setting = Setting::default();
    let mut ours = Ours::start(&setting)?;
    ours.word(1)?;
    let (start, mut looked) = (Instant::now(), BTreeSet::new());
    let mut answers = Vec::new();
    while looked.len() < setting.workers {
        let calls = [(); super::WORKERS].map(|()| ours.pool.spawn(glance::call(&data)));
        for handle in calls {
            let (pid, seen) = handle?.get()?;
            looked.insert(pid);
            answers.push((pid, seen));
        }
    }
    let time = start.elapsed();
    let right = work::glance(&data);
    for answer in answers {
        super::same(ours.checked(answer)?, right)?;
    }
    Ok(time)
}

impl Crew for Ours {
    fn word(&mut self, n: u64) -> Result<u64> {
        let ran = self.pool.spawn(next::call(n))?.get()?;
        self.checked(ran)
    }

    fn each(&mut self, tasks: u64, in_flight: u64) -> Result<u64> {
        let mut pending: VecDeque<Handle<Ran<u64>>> = VecDeque::with_capacity(in_flight as usize);
        let mut sum = 0;
        for n in 0..tasks {
            if pending.len() as u64 >= in_flight
                && let Some(oldest) = pending.pop_front()
            {
                sum += self.checked(oldest.get()?)?;
            }
            pending.push_back(self.pool.spawn(next::call(n))?);
        }
        for handle in pending {
            sum += self.checked(handle.get()?)?;
        }
        Ok(sum)
    }

    fn chunked(&mut self, chunks: &[Range<u64>]) -> Result<u64> {
        Ok(self.group(chunks, next_all::call)?.iter().sum())
    }

    fn echo(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut echo = self.pool.spawn(echo::call(bytes))?.get()?;
        let mut stamp = [0; STAMP];
        stamp.copy_from_slice(&echo[..STAMP]);
        self.checked((u32::from_le_bytes(stamp), ()))?;
        echo[..STAMP].copy_from_slice(&bytes[..STAMP]);
        Ok(echo)
    }

    fn borrow(&mut self, bytes: &mut [u8]) -> Result<()> {
        for (place, worker) in bytes.chunks_mut(STAMP).zip(&self.workers) {
            place.copy_from_slice(&worker.to_le_bytes());
        }
        let part = self.pool.spawn(part::call(bytes))?.get_ref()?;
        let mut stamp = [0; STAMP];
        ensure!(part.len() >= bytes.len() - NUMBERS * STAMP, "a call ran in no worker of the pool");
        part.copy_to(0, &mut stamp);
        self.checked((u32::from_le_bytes(stamp), ()))?;
        ensure!(part.is_in_place() && part.get(part.len() - 1) == bytes.last().copied());
        Ok(())
    }

    fn primes(&mut self, ranges: &[Range<u64>]) -> Result<u64> {
        Ok(self.group(ranges, count_primes::call)?.iter().sum())
    }

    fn primes_by_default(&mut self, below: u64) -> Result<u64> {
        let numbers = 0..below as usize;
        let counts = par_ranges!(numbers, primes_of_chunk, pool = &self.pool)?;
        counts.into_iter().map(|ran| self.checked(ran)).sum()
    }

    fn render(&mut self, ranges: &[Range<u64>]) -> Result<u64> {
        Ok(self.group(ranges, render::call)?.iter().map(|page| page.len() as u64).sum())
    }

    fn burn(&mut self, calls: usize, turns: u64) -> Result<()> {
        let mut task = Task::on(&self.pool);
        for _ in 0..calls {
            task.run(burn::call(turns))?;
        }
        let results = task.get()?;
        results.into_iter().try_for_each(|ran| self.checked(ran).map(drop))
    }

    fn pair(&mut self) -> Result<()> {
        let chunks = par_ranges!(0..2, nothing, pool = &self.pool, ranges = 2)?;
        chunks.into_iter().try_for_each(|ran| self.checked(ran))
    }
}

/// J5 by fork: the default pool, from before `initialize` to its first result.
pub(super) fn first_result_by_fork(setting: &Setting) -> Result<Duration> {
    let start = Instant::now();
    multicore::initialize_with(multicore::Config::new().workers(setting.workers))?;
    let (pid, _) = next::call(1).get()?;
    let time = start.elapsed();
    ensure!(pid != 0 && pid != std::process::id(), IN_CLIENT);
    Ok(time)
}
