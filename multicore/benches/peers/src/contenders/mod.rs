//! Who takes part. Each is used as its own documentation says it is used best.

mod limits;
mod ours;
#[cfg(feature = "peers")]
mod peers;
mod prototype;
mod python;

use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use multicore::Start;

use self::ours::Ours;
use self::prototype::Prototype;
use crate::figure::Figure;
use crate::jobs::Job;

/// Processes, or threads, that a pool has.
pub const WORKERS: usize = 2;

/// The largest payload of J3, in bytes.
pub const LARGEST: usize = 64 << 20;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Contender {
    /// What the machine allows: raw round trips, memcpy, page faults, fork and posix_spawn
    Limits,
    /// Shared memory, a row of state words, forked workers, and nothing else
    Prototype,
    /// multicore, its workers by exec
    Ours,
    /// multicore, its workers by fork
    OursFork,
    /// rayon, threads
    Rayon,
    /// procspawn's pool
    Procspawn,
    /// ipc-channel, a pool of two processes made by hand
    IpcChannel,
    /// iceoryx2, request and response, by busy polling, or by events where nobody may spin
    Iceoryx,
    /// Python's multiprocessing.Pool
    PythonPool,
    /// Python's concurrent.futures.ProcessPoolExecutor
    PythonExecutor,
    /// The Python package multicore, 0.1.1
    Original,
}

/// How a pool is set up for a job.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Workers.
    pub workers: usize,
    /// Whether waiting may spin, as by default, or never does, where the contender lets us choose.
    pub spin: bool,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting { workers: WORKERS, spin: true }
    }
}

/// A running pool. A job that it takes no part in is an error.
pub trait Crew {
    /// A word there, the next one back: one call at a time.
    fn word(&mut self, _n: u64) -> Result<u64> {
        bail!(NO_PART)
    }

    /// The sum of n + 1 for all n below `tasks`, a submission each, at most so many in flight.
    fn each(&mut self, _tasks: u64, _in_flight: u64) -> Result<u64> {
        bail!(NO_PART)
    }

    /// The same sum over chunks.
    fn chunked(&mut self, _chunks: &[Range<u64>]) -> Result<u64> {
        bail!(NO_PART)
    }

    /// The bytes, in a fresh buffer, by way of a worker.
    fn echo(&mut self, _bytes: &[u8]) -> Result<Vec<u8>> {
        bail!(NO_PART)
    }

    /// The same, but the result is read where the worker left it. The first bytes are the crew's own to
    /// write.
    fn borrow(&mut self, _bytes: &mut [u8]) -> Result<()> {
        bail!(NO_PART)
    }

    /// How many primes are in the ranges, a call each.
    fn primes(&mut self, _ranges: &[Range<u64>]) -> Result<u64> {
        bail!(NO_PART)
    }

    /// The same below a bound, divided as the contender itself would.
    fn primes_by_default(&mut self, _below: u64) -> Result<u64> {
        bail!(NO_PART)
    }

    /// The length of all pages, a call for each range of users.
    fn render(&mut self, _ranges: &[Range<u64>]) -> Result<u64> {
        bail!(NO_PART)
    }

    /// So many calls that compute for so many turns each.
    fn burn(&mut self, _calls: usize, _turns: u64) -> Result<()> {
        bail!(NO_PART)
    }

    /// Two empty chunks, sent and joined.
    fn pair(&mut self) -> Result<()> {
        bail!(NO_PART)
    }
}

const NO_PART: &str = "this contender takes no part in this job";

impl Contender {
    /// What the machine and a bare pool on it can do, and what multicore does.
    pub const WITHOUT_PEERS: &[Contender] =
        &[Contender::Limits, Contender::Prototype, Contender::Ours, Contender::OursFork];

    /// Whether it divides a list into chunks by itself.
    pub fn divides_itself(self) -> bool {
        matches!(self, Contender::Ours | Contender::Rayon)
    }

    /// Whether a result can be read where the worker left it.
    pub fn lends(self) -> bool {
        self == Contender::Ours
    }

    /// The name in the table and on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it takes part.
    pub fn plays(self, job: Job) -> bool {
        match self {
            Contender::Limits => limits::JOBS.contains(&job),
            Contender::Prototype => !matches!(job, Job::Machine | Job::Memory | Job::Idle),
            Contender::Ours => job != Job::Machine,
            Contender::OursFork => matches!(job, Job::J5 | Job::Memory | Job::Idle),
            Contender::PythonPool | Contender::PythonExecutor => python::POOL_JOBS.contains(&job),
            Contender::Original => python::ORIGINAL_JOBS.contains(&job),
            #[cfg(feature = "peers")]
            peer => peers::jobs(peer).contains(&job),
            #[cfg(not(feature = "peers"))]
            _ => false,
        }
    }

    /// Whether this program was built with it.
    pub fn is_built_in(self) -> bool {
        let crates = [Contender::Rayon, Contender::Procspawn, Contender::IpcChannel, Contender::Iceoryx];
        cfg!(feature = "peers") || !crates.contains(&self)
    }

    /// What takes long and is no measurement.
    pub fn prepare(self) -> Result<()> {
        match self {
            Contender::Original => python::prepare(),
            _ => Ok(()),
        }
    }

    /// Its pool.
    pub fn start(self, setting: &Setting) -> Result<Box<dyn Crew>> {
        match self {
            Contender::Prototype => Ok(Box::new(Prototype::start(setting)?)),
            Contender::Ours => Ok(Box::new(Ours::start(setting)?)),
            #[cfg(feature = "peers")]
            peer => peers::start(peer, setting),
            #[cfg(not(feature = "peers"))]
            _ => bail!(NO_PART),
        }
    }

    /// What it measures in a way of its own; for the other jobs, [`start`](Contender::start) is asked.
    pub fn own_figures(self, job: Job) -> Result<Option<Vec<Figure>>> {
        if !self.plays(job) {
            bail!("{}: {NO_PART}", self.name());
        }
        Ok(Some(match (self, job) {
            (Contender::Limits, _) => limits::figures(job)?,
            (Contender::PythonPool | Contender::PythonExecutor | Contender::Original, _) => {
                python::figures(self, job)?
            }
            (Contender::OursFork, Job::J5) => {
                vec![Figure::ms("", ours::first_result_by_fork(&Setting::default())?)]
            }
            (Contender::Ours, Job::Memory) => ours::memory(Start::Exec)?,
            (Contender::OursFork, Job::Memory) => ours::memory(Start::Fork)?,
            (Contender::Ours, Job::Idle) => ours::idle(Start::Exec)?,
            (Contender::OursFork, Job::Idle) => ours::idle(Start::Fork)?,
            (Contender::Ours, Job::J7) => vec![Figure::ms("", ours::visible(SHARED)?)],
            (Contender::Prototype, Job::J7) => vec![Figure::ms("", prototype::visible(SHARED)?)],
            #[cfg(feature = "peers")]
            (peer, Job::J7) => vec![Figure::ms("", peers::visible(peer, SHARED)?)],
            _ => return Ok(None),
        }))
    }
}

/// What has to come first in `main`: some peers start this program again for their workers.
pub fn before_main() {
    #[cfg(feature = "peers")]
    peers::before_main();
}

/// The life of a worker of the pool that is made of ipc-channel.
#[cfg(feature = "peers")]
pub fn serve_ipc_channel(name: String) -> Result<()> {
    peers::serve_ipc_channel(name)
}

/// Bytes that J7 shows to the workers.
const SHARED: usize = 1 << 30;

/// So many bytes that are not all the same.
fn sample_data(len: usize) -> Vec<u8> {
    let pattern: Vec<u8> = (0..=u8::MAX).collect();
    let mut data = Vec::with_capacity(len);
    while data.len() < len {
        data.extend_from_slice(&pattern[..pattern.len().min(len - data.len())]);
    }
    data
}

/// Whoever computes something else takes no part in the comparison.
pub fn same<T: PartialEq + Debug>(found: T, expected: T) -> Result<()> {
    ensure!(found == expected, "the answer is {found:?}, and {expected:?} is right");
    Ok(())
}

/// From here to the end of `run`.
pub fn timed<T>(run: impl FnOnce() -> Result<T>) -> Result<(Duration, T)> {
    let start = Instant::now();
    let result = run()?;
    Ok((start.elapsed(), result))
}
