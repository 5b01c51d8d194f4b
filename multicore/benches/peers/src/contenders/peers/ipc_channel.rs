//! ipc-channel: channels between processes. The pool of two is made by hand: each worker is this
//! program started again, has a channel of its own for jobs, and answers into one for all.

use std::collections::VecDeque;
use std::ops::Range;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Result, bail};
use ipc_channel::ipc::{self, IpcOneShotServer, IpcReceiver, IpcSender, IpcSharedMemory};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::FEW_IN_FLIGHT;
use crate::contenders::{Crew, Setting, WORKERS, same, sample_data, timed};
use crate::jobs::Job;
use crate::work;

pub(super) const JOBS: &[Job] = &[
    Job::J1,
    Job::J1Other,
    Job::J1Same,
    Job::J2,
    Job::Batch,
    Job::J3,
    Job::J4,
    Job::J5,
    Job::J6,
    Job::J7,
    Job::J9,
];

/// From so many bytes on its shared memory is faster than its sockets.
const SHARED_FROM: usize = 16 << 20;

#[derive(Serialize, Deserialize)]
enum Ask {
    Next(u64),
    Sum(Range<u64>),
    Primes(Range<u64>),
    Render(Range<u64>),
    Burn(u64),
    Echo(ByteBuf),
    EchoShared(IpcSharedMemory),
    Glance(IpcSharedMemory),
    End,
}

#[derive(Serialize, Deserialize)]
enum Said {
    Number(u64),
    Page(String),
    Bytes(ByteBuf),
    Shared(IpcSharedMemory),
}

/// The worker that answers comes with the answer: it has room for another job.
type Answer = (usize, Said);

/// What a worker sends when it is there.
type Hello = IpcSender<(usize, IpcReceiver<Ask>, IpcSender<Answer>)>;

pub(super) struct Pool {
    jobs: Vec<IpcSender<Ask>>,
    answers: IpcReceiver<Answer>,
    workers: Vec<Child>,
}

/// A worker's life: `name` is where its client waits.
pub(in crate::contenders) fn serve(name: String) -> Result<()> {
    let (hello, inbox) = ipc::channel()?;
    let there: IpcSender<Hello> = IpcSender::connect(name)?;
    there.send(hello)?;
    let (index, jobs, answers): (usize, IpcReceiver<Ask>, IpcSender<Answer>) = inbox.recv()?;
    loop {
        let said = match jobs.recv()? {
            Ask::Next(n) => Said::Number(n + 1),
            Ask::Sum(range) => Said::Number(work::sum_of_next(range)),
            Ask::Primes(range) => Said::Number(work::primes(range)),
            Ask::Render(range) => Said::Page(work::render(range)),
            Ask::Burn(turns) => Said::Number(work::burn(turns) & 1),
            Ask::Echo(bytes) => Said::Bytes(bytes),
            Ask::EchoShared(bytes) => Said::Shared(IpcSharedMemory::from_bytes(&bytes)),
            Ask::Glance(bytes) => Said::Number(work::glance(&bytes)),
            Ask::End => return Ok(()),
        };
        answers.send((index, said))?;
    }
}

impl Pool {
    pub(super) fn start(setting: &Setting) -> Result<Pool> {
        let (answering, answers) = ipc::channel()?;
        let mut starting = Vec::new();
        for _ in 0..setting.workers {
            let (server, name) = IpcOneShotServer::<Hello>::new()?;
            let worker = Command::new("/proc/self/exe").args(["serve-ipc-channel", &name]).spawn()?;
            starting.push((server, worker));
        }
        let mut pool = Pool { jobs: Vec::new(), answers, workers: Vec::new() };
        for (index, (server, worker)) in starting.into_iter().enumerate() {
            pool.workers.push(worker);
            let (_, hello) = server.accept()?;
            let (jobs, inbox) = ipc::channel()?;
            hello.send((index, inbox, answering.clone()))?;
            pool.jobs.push(jobs);
        }
        Ok(pool)
    }

    fn one(&self, ask: Ask) -> Result<Said> {
        self.jobs[0].send(ask)?;
        Ok(self.answers.recv()?.1)
    }

    /// All of them, never more than so many with each worker; the sum of what they say.
    fn all(&self, asks: impl IntoIterator<Item = Ask>, each: u64) -> Result<u64> {
        let mut asks: VecDeque<Ask> = asks.into_iter().collect();
        let (mut sum, mut pending) = (0, 0u64);
        for _ in 0..each {
            for jobs in &self.jobs {
                if let Some(ask) = asks.pop_front() {
                    jobs.send(ask)?;
                    pending += 1;
                }
            }
        }
        while pending > 0 {
            let (index, said) = self.answers.recv()?;
            pending -= 1;
            if let Some(ask) = asks.pop_front() {
                self.jobs[index].send(ask)?;
                pending += 1;
            }
            sum += match said {
                Said::Number(number) => number,
                Said::Page(page) => page.len() as u64,
                Said::Bytes(_) | Said::Shared(_) => bail!("bytes where a number was asked for"),
            };
        }
        Ok(sum)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for jobs in &self.jobs {
            let _ = jobs.send(Ask::End);
        }
        for worker in &mut self.workers {
            let _ = worker.wait();
        }
    }
}

impl Crew for Pool {
    fn word(&mut self, n: u64) -> Result<u64> {
        match self.one(Ask::Next(n))? {
            Said::Number(number) => Ok(number),
            _ => bail!("something else where a number was asked for"),
        }
    }

    fn each(&mut self, tasks: u64, in_flight: u64) -> Result<u64> {
        // A socket holds a few hundred messages; with both full, both sides would wait for ever.
        let each = in_flight.min(FEW_IN_FLIGHT) / WORKERS as u64;
        self.all((0..tasks).map(Ask::Next), each)
    }

    fn chunked(&mut self, chunks: &[Range<u64>]) -> Result<u64> {
        self.all(chunks.iter().cloned().map(Ask::Sum), 2)
    }

    fn echo(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let ask = match bytes.len() {
            0..SHARED_FROM => Ask::Echo(ByteBuf::from(bytes)),
            SHARED_FROM.. => Ask::EchoShared(IpcSharedMemory::from_bytes(bytes)),
        };
        match self.one(ask)? {
            Said::Bytes(bytes) => Ok(bytes.into_vec()),
            Said::Shared(bytes) => Ok(bytes.to_vec()),
            _ => bail!("something else where bytes were asked for"),
        }
    }

    fn primes(&mut self, ranges: &[Range<u64>]) -> Result<u64> {
        self.all(ranges.iter().cloned().map(Ask::Primes), 1)
    }

    fn render(&mut self, ranges: &[Range<u64>]) -> Result<u64> {
        self.all(ranges.iter().cloned().map(Ask::Render), 2)
    }

    fn burn(&mut self, calls: usize, turns: u64) -> Result<()> {
        let asks = (0..calls).map(|_| Ask::Burn(turns));
        self.all(asks, FEW_IN_FLIGHT / WORKERS as u64).map(drop)
    }

    fn pair(&mut self) -> Result<()> {
        self.all([Ask::Next(0), Ask::Next(1)], 1).map(drop)
    }
}

/// J7: one copy into its shared memory, which both workers map.
pub(super) fn visible(len: usize) -> Result<Duration> {
    let data = sample_data(len);
    let pool = Pool::start(&Setting::default())?;
    pool.all([Ask::Next(0), Ask::Next(1)], 1)?;
    let (time, seen) = timed(|| {
        let shared = IpcSharedMemory::from_bytes(&data);
        pool.all((0..WORKERS).map(|_| Ask::Glance(shared.clone())), 1)
    })?;
    same(seen, work::glance(&data) * WORKERS as u64)?;
    Ok(time)
}
