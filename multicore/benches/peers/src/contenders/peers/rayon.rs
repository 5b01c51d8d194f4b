//! rayon: threads, which share memory for free and can neither be killed nor crash alone.

use std::ops::Range;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Result;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::contenders::{Crew, Setting, WORKERS, same, sample_data, timed};
use crate::jobs::Job;
use crate::work;

pub(super) const JOBS: &[Job] =
    &[Job::J1, Job::J2, Job::Batch, Job::J3, Job::J4, Job::J5, Job::J6, Job::J7, Job::J8, Job::J9];

pub(super) struct Rayon(ThreadPool);

impl Rayon {
    pub(super) fn start(setting: &Setting) -> Result<Rayon> {
        Ok(Rayon(ThreadPoolBuilder::new().num_threads(setting.workers).build()?))
    }
}

impl Crew for Rayon {
    fn word(&mut self, n: u64) -> Result<u64> {
        Ok(self.0.install(|| n + 1))
    }

    fn each(&mut self, tasks: u64, in_flight: u64) -> Result<u64> {
        let (sender, results) = mpsc::channel();
        let mut sum = 0;
        for n in 0..tasks {
            if n >= in_flight {
                sum += results.recv()?;
            }
            let sender = sender.clone();
            self.0.spawn(move || {
                let _ = sender.send(n + 1);
            });
        }
        drop(sender);
        Ok(sum + results.iter().sum::<u64>())
    }

    fn chunked(&mut self, chunks: &[Range<u64>]) -> Result<u64> {
        let sums = || chunks.par_iter().with_max_len(1).map(|chunk| work::sum_of_next(chunk.clone()));
        Ok(self.0.install(|| sums().sum()))
    }

    fn echo(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(self.0.install(|| bytes.to_vec()))
    }

    fn primes(&mut self, ranges: &[Range<u64>]) -> Result<u64> {
        let counts = || ranges.par_iter().with_max_len(1).map(|range| work::primes(range.clone()));
        Ok(self.0.install(|| counts().sum()))
    }

    fn primes_by_default(&mut self, below: u64) -> Result<u64> {
        let primes = || (0..below).into_par_iter().filter(|&n| work::is_prime(n));
        Ok(self.0.install(|| primes().count() as u64))
    }

    fn render(&mut self, ranges: &[Range<u64>]) -> Result<u64> {
        let pages = || ranges.par_iter().with_max_len(1).map(|range| work::render(range.clone()));
        Ok(self.0.install(|| pages().map(|page| page.len() as u64).sum()))
    }

    fn burn(&mut self, calls: usize, turns: u64) -> Result<()> {
        self.0.install(|| {
            (0..calls).into_par_iter().for_each(|_| {
                std::hint::black_box(work::burn(turns));
            });
        });
        Ok(())
    }

    fn pair(&mut self) -> Result<()> {
        self.0.join(|| std::hint::black_box(()), || std::hint::black_box(()));
        Ok(())
    }
}

/// J7: threads see what the process has.
pub(super) fn visible(len: usize) -> Result<Duration> {
    let data = sample_data(len);
    let pool = Rayon::start(&Setting::default())?;
    let (time, seen) = timed(|| Ok(pool.0.broadcast(|_| work::glance(&data))))?;
    same(seen, vec![work::glance(&data); WORKERS])?;
    Ok(time)
}
