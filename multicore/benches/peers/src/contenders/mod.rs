//! Who takes part. Each is used as its own documentation says it is used best.

#[cfg(feature = "peers")]
mod iceoryx;
#[cfg(feature = "peers")]
mod ipc_channel;
mod limits;
mod ours;
#[cfg(feature = "peers")]
mod procspawn;
mod prototype;
#[cfg(feature = "peers")]
mod rayon;

use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;

use self::ours::{By, Ours};
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
    #[cfg(feature = "peers")]
    Rayon,
    /// procspawn's pool
    #[cfg(feature = "peers")]
    Procspawn,
    /// ipc-channel, a pool of two processes made by hand
    #[cfg(feature = "peers")]
    IpcChannel,
    /// iceoryx2, request and response, by busy polling, or by events where nobody may spin
    #[cfg(feature = "peers")]
    Iceoryx,
}

/// How a pool is set up for a job.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Workers.
    pub workers: usize,
    /// Whether waiting may spin, where the contender lets us choose.
    pub spin: bool,
    /// The most calls that will be under way at once, where the pool wants to know.
    pub in_flight: Option<u64>,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting { workers: WORKERS, spin: true, in_flight: None }
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
        #[cfg(feature = "peers")]
        if self == Contender::Rayon {
            return true;
        }
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
            Contender::Prototype => job != Job::Machine,
            // Without `Config::spin` ours cannot do what is without spinning yet.
            Contender::Ours => {
                !matches!(job, Job::J1Other | Job::J1Same | Job::J7 | Job::J9Sleep | Job::Machine)
            }
            Contender::OursFork => job == Job::J5,
            #[cfg(feature = "peers")]
            Contender::Rayon => rayon::JOBS.contains(&job),
            #[cfg(feature = "peers")]
            Contender::Procspawn => procspawn::JOBS.contains(&job),
            #[cfg(feature = "peers")]
            Contender::IpcChannel => ipc_channel::JOBS.contains(&job),
            #[cfg(feature = "peers")]
            Contender::Iceoryx => iceoryx::JOBS.contains(&job),
        }
    }

    /// Its pool.
    pub fn start(self, setting: &Setting) -> Result<Box<dyn Crew>> {
        Ok(match self {
            Contender::Limits => bail!(NO_PART),
            Contender::Prototype => Box::new(Prototype::start(setting)?),
            Contender::Ours => Box::new(Ours::start(setting, By::Exec)?),
            Contender::OursFork => Box::new(Ours::start(setting, By::Fork)?),
            #[cfg(feature = "peers")]
            Contender::Rayon => Box::new(rayon::Rayon::start(setting)?),
            #[cfg(feature = "peers")]
            Contender::Procspawn => Box::new(procspawn::Procspawn::start(setting)?),
            #[cfg(feature = "peers")]
            Contender::IpcChannel => Box::new(ipc_channel::Pool::start(setting)?),
            #[cfg(feature = "peers")]
            Contender::Iceoryx => Box::new(iceoryx::Iceoryx::start(setting)?),
        })
    }

    /// What it measures in a way of its own; for the other jobs, [`start`](Contender::start) is asked.
    pub fn own_figures(self, job: Job) -> Result<Option<Vec<Figure>>> {
        let setting = Setting::default();
        Ok(Some(match (self, job) {
            (Contender::Limits, _) => limits::figures(job)?,
            (Contender::OursFork, Job::J5) => {
                vec![Figure::ms("", ours::first_result_by_fork(&setting)?)]
            }
            (Contender::Prototype, Job::J7) => vec![Figure::ms("", prototype::visible(SHARED)?)],
            #[cfg(feature = "peers")]
            (Contender::Rayon, Job::J7) => vec![Figure::ms("", rayon::visible(SHARED)?)],
            #[cfg(feature = "peers")]
            (Contender::Procspawn, Job::J7) => vec![Figure::ms("", procspawn::visible(SHARED)?)],
            #[cfg(feature = "peers")]
            (Contender::IpcChannel, Job::J7) => vec![Figure::ms("", ipc_channel::visible(SHARED)?)],
            _ => return Ok(None),
        }))
    }
}

/// What has to come first in `main`: some peers start this program again for their workers.
pub fn before_main() {
    #[cfg(feature = "peers")]
    procspawn::before_main();
}

/// The life of a worker of the pool that is made by hand.
#[cfg(feature = "peers")]
pub fn serve_ipc_channel(name: String) -> Result<()> {
    ipc_channel::serve(name)
}

/// Calls under way at once, where a peer has no room for more.
#[cfg(feature = "peers")]
const FEW_IN_FLIGHT: u64 = 200;

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
