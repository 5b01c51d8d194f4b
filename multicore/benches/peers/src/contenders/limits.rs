//! What the machine allows: there is no pool, each figure is the bare thing.

use std::hint;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::figure::{Figure, median, median_time};
use crate::jobs::{BUDGET, Job, PAYLOADS};
use crate::place::Place;
use crate::raw::{Child, Common, Memory, futex_wait, futex_wake};
use crate::work;

/// The jobs that a bare thing corresponds to.
pub(super) const JOBS: &[Job] =
    &[Job::J1, Job::J1Other, Job::J1Same, Job::J3, Job::J5, Job::J6, Job::Machine];

pub(super) fn figures(job: Job) -> Result<Vec<Figure>> {
    match job {
        Job::J1 => Ok(vec![Figure::us("", round_trip(Waiting::Spin, None)?)]),
        Job::J1Other | Job::J1Same => Ok(vec![Figure::us("", round_trip(Waiting::Futex, job.place())?)]),
        Job::J3 => {
            PAYLOADS.into_iter().map(|(part, len)| Ok(Figure::bandwidth(part, len, memcpy(len)?))).collect()
        }
        Job::J5 => Ok(vec![Figure::ms("", spawn()?)]),
        Job::J6 => Ok(["100 calls", "2 ranges"].map(|part| Figure::ms(part, half_the_users())).to_vec()),
        Job::Machine => machine(),
        _ => bail!(super::NO_PART),
    }
}

/// How one side waits for the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Spin,
    Futex,
}

impl Waiting {
    fn until(self, word: &AtomicU32, wanted: u32) {
        loop {
            match word.load(Acquire) {
                now if now == wanted => return,
                _ if self == Waiting::Spin => hint::spin_loop(),
                now => futex_wait(word, now),
            }
        }
    }

    fn set(self, word: &AtomicU32, value: u32) {
        word.store(value, Release);
        if self == Waiting::Futex {
            futex_wake(word);
        }
    }
}

/// A cache line that one side writes.
#[derive(bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Side(AtomicU32);

/// A word there and back between two processes.
fn round_trip(waiting: Waiting, place: Option<Place>) -> Result<Duration> {
    const CALLS: u32 = 8;
    let sides = Common::<[Side; 2]>::new()?;
    let [there, back] = &*sides;
    place.map_or(Ok(()), Place::workers)?;
    let _echo = Child::fork(|| {
        for n in 1.. {
            waiting.until(&there.0, n);
            waiting.set(&back.0, n);
        }
    })?;
    place.map_or(Ok(()), Place::client)?;
    let mut n = 0;
    let mut turn = || {
        for _ in 0..CALLS {
            n += 1;
            waiting.set(&there.0, n);
            waiting.until(&back.0, n);
        }
        Ok(())
    };
    median_time(BUDGET / 4, CALLS, &mut turn)?;
    median_time(BUDGET, CALLS, turn)
}

fn memcpy(len: usize) -> Result<Duration> {
    let (from, mut to) = (super::sample_data(len), vec![1; len]);
    median_time(BUDGET, 1, || {
        to.copy_from_slice(hint::black_box(&from));
        hint::black_box(&mut to);
        Ok(())
    })
}

/// This program started again, until its `main` has said so.
fn spawn() -> Result<Duration> {
    let start = Instant::now();
    let mut child = Command::new("/proc/self/exe").arg("say-hello").stdout(Stdio::piped()).spawn()?;
    let mut byte = [0];
    let read = child.stdout.take().map_or(Ok(0), |mut out| out.read(&mut byte))?;
    let time = start.elapsed();
    ensure!(read == 1 && child.wait()?.success(), "this program could not start itself");
    Ok(time)
}

/// What each of two workers has to do.
fn half_the_users() -> Duration {
    let start = Instant::now();
    hint::black_box(work::render(0..work::USERS / super::WORKERS as u64));
    start.elapsed()
}

/// What no job stands for.
fn machine() -> Result<Vec<Figure>> {
    const PAGES: usize = 4096;
    let touch = median_time(BUDGET / 2, PAGES as u32, || {
        let memory = Memory::new(PAGES << 12)?;
        (0..PAGES).for_each(|page| memory.write_at(page << 12, &[1]));
        Ok(())
    })?;
    let sleeper = AtomicU32::new(0);
    let wake = median_time(BUDGET / 8, 64, || {
        (0..64).for_each(|_| futex_wake(&sleeper));
        Ok(())
    })?;
    let mut forks = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        let child = Child::fork(|| {})?;
        forks.push(start.elapsed().as_secs_f64());
        drop(child);
    }
    let fork = Duration::from_secs_f64(median(forks).unwrap_or_default());
    Ok(vec![
        Figure::us("first touch of a page", touch),
        Figure::us("futex wake of nobody", wake),
        Figure::us("fork", fork),
    ])
}
