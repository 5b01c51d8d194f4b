//! procspawn: a pool of processes that are this program started again. Bytes go by `serde_bytes`, or
//! they would go one at a time.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use procspawn::{JoinHandle, Pool};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

use super::FEW_IN_FLIGHT;
use crate::contenders::{Crew, Setting, WORKERS, same, sample_data, timed};
use crate::jobs::Job;
use crate::work;

pub(super) const JOBS: &[Job] =
    &[Job::J1, Job::J2, Job::Batch, Job::J3, Job::J4, Job::J5, Job::J6, Job::J7, Job::J9];

pub(super) struct Procspawn(Pool);

/// Turns a worker aside; has to come first in `main`.
pub(in crate::contenders) fn before_main() {
    procspawn::init();
}

impl Procspawn {
    pub(super) fn start(setting: &Setting) -> Result<Procspawn> {
        Ok(Procspawn(Pool::new(setting.workers)?))
    }

    fn one<A, R>(&self, argument: A, run: fn(A) -> R) -> Result<R>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        Ok(self.0.spawn(argument, run).join()?)
    }

    /// All of them, never more than so many at once; their results' sum.
    fn sum<A>(&self, arguments: impl Iterator<Item = A>, in_flight: usize, run: fn(A) -> u64) -> Result<u64>
    where
        A: Serialize + DeserializeOwned,
    {
        let (mut sum, mut pending) = (0, VecDeque::<JoinHandle<u64>>::new());
        for argument in arguments {
            if pending.len() >= in_flight
                && let Some(oldest) = pending.pop_front()
            {
                sum += oldest.join()?;
            }
            pending.push_back(self.0.spawn(argument, run));
        }
        for handle in pending {
            sum += handle.join()?;
        }
        Ok(sum)
    }
}

impl Crew for Procspawn {
    fn word(&mut self, n: u64) -> Result<u64> {
        self.one(n, |n| n + 1)
    }

    fn each(&mut self, tasks: u64, in_flight: u64) -> Result<u64> {
        // Each call under way takes four descriptors here and in a worker.
        self.sum(0..tasks, in_flight.min(FEW_IN_FLIGHT) as usize, |n| n + 1)
    }

    fn chunked(&mut self, chunks: &[Range<u64>]) -> Result<u64> {
        self.sum(chunks.iter().cloned(), usize::MAX, work::sum_of_next)
    }

    fn echo(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(self.one(ByteBuf::from(bytes), |bytes| bytes)?.into_vec())
    }

    fn primes(&mut self, ranges: &[Range<u64>]) -> Result<u64> {
        self.sum(ranges.iter().cloned(), usize::MAX, work::primes)
    }

    fn render(&mut self, ranges: &[Range<u64>]) -> Result<u64> {
        self.sum(ranges.iter().cloned(), usize::MAX, |range| work::render(range).len() as u64)
    }

    fn burn(&mut self, calls: usize, turns: u64) -> Result<()> {
        let turns = std::iter::repeat_n(turns, calls);
        self.sum(turns, FEW_IN_FLIGHT as usize, |turns| work::burn(turns) & 1).map(drop)
    }

    fn pair(&mut self) -> Result<()> {
        self.sum(0..2, 2, |n| n).map(drop)
    }
}

/// J7: a copy for each worker.
pub(super) fn visible(len: usize) -> Result<Duration> {
    let data = sample_data(len);
    let pool = Procspawn::start(&Setting::default())?;
    pool.sum(0..WORKERS as u64, WORKERS, |n| n)?;
    let (time, seen) = timed(|| {
        let copies = std::iter::repeat_with(|| ByteBuf::from(data.as_slice())).take(WORKERS);
        pool.sum(copies, WORKERS, |bytes| work::glance(&bytes))
    })?;
    same(seen, work::glance(&data) * WORKERS as u64)?;
    Ok(time)
}
