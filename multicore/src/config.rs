//! The options of a pool, from code and from the environment.

use std::env;
use std::os::fd::RawFd;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::shm::layout::{MAX_SLOTS, MAX_WORKERS};

/// How worker processes come to be. A program keeps to one method for as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Start {
    /// This executable is started again and turned aside before its `main`: workers see a fresh
    /// program. The default when nothing was initialised.
    ///
    /// The supervisor is then a child of this process like any other: a `wait` for *any* child, a rare
    /// thing in Rust, waits for it too, and may take its end, which does no harm. Under `Fork` no such
    /// `wait` sees it.
    Exec,
    /// A template forked by [`initialize`](crate::initialize) or [`#[multicore::main]`](crate::main):
    /// workers see every static as it was at that moment.
    Fork,
}

/// Where the default pool runs its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackendChoice {
    Processes,
    Inline,
}

/// The options of a pool, and its builder.
///
/// What is not set here comes from the environment, and then from the default. Values are checked
/// when the pool is made.
///
/// | method | variable | default |
/// |---|---|---|
/// | [`workers`](Config::workers) | `MULTICORE_WORKERS` | the cores that this process may use (affinity and cgroup quota) |
/// | [`slots`](Config::slots) | `MULTICORE_SLOTS` | 16 for each worker, at least 64 |
/// | [`payload_limit`](Config::payload_limit) | `MULTICORE_PAYLOAD_LIMIT` | 4 GiB, less where the address space or the file size is limited |
/// | [`start`](Config::start) | `MULTICORE_START` (`exec`, `fork`) | `fork` after `initialize()`, else `exec` |
/// | [`max_load_average`](Config::max_load_average) | `MULTICORE_MAX_LOAD_AVERAGE` | none: parallel work is always allowed |
/// | [`grace`](Config::grace) | – | 100 ms |
/// | [`shutdown_timeout`](Config::shutdown_timeout) | – | 10 s |
/// | [`keep_fds`](Config::keep_fds) | – | none |
/// | – | `MULTICORE_BACKEND` (`processes`, `inline`) | `processes` |
///
/// ```
/// let pool = multicore::Pool::builder().workers(2).slots(128).build()?;
/// assert_eq!(pool.workers(), 2);
/// # Ok::<(), multicore::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Config {
    workers: Option<usize>,
    slots: Option<usize>,
    payload_limit: Option<u64>,
    pub(crate) start: Option<Start>,
    max_load_average: Option<f64>,
    grace: Option<Duration>,
    shutdown_timeout: Option<Duration>,
    pub(crate) keep_fds: Vec<RawFd>,
}

/// A [`Config`] with every blank filled in and every value checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) workers: usize,
    pub(crate) slots: usize,
    pub(crate) payload_limit: usize,
    pub(crate) start: Option<Start>,
    pub(crate) max_load_average: Option<f64>,
    pub(crate) grace: Duration,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) keep_fds: Vec<RawFd>,
}

/// The payload limit that the address space allows without a thought.
const PAYLOAD_LIMIT: u64 = 4 << 30;
/// Windows are not made smaller than this.
pub(crate) const LEAST_PAYLOAD_LIMIT: u64 = 4096;
/// Above this a slot's windows would not fit the address space.
const MOST_PAYLOAD_LIMIT: u64 = 1 << 40;

impl Config {
    /// Nothing set.
    pub fn new() -> Config {
        Config::default()
    }

    /// Worker processes, 1 to 1024. The number is fixed for the pool's life.
    pub fn workers(mut self, workers: usize) -> Config {
        self.workers = Some(workers);
        self
    }

    /// Calls that can be queued or running at once, 1 to 32768; a further `spawn` waits.
    pub fn slots(mut self, slots: usize) -> Config {
        self.slots = Some(slots);
        self
    }

    /// The most bytes that one call's encoded arguments, or its result, may take: 4 KiB to 1 TiB.
    pub fn payload_limit(mut self, bytes: u64) -> Config {
        self.payload_limit = Some(bytes);
        self
    }

    /// How worker processes come to be.
    pub fn start(mut self, start: Start) -> Config {
        self.start = Some(start);
        self
    }

    /// The load guard's threshold for the whole process: parallel work is refused while the
    /// one-minute load average is above this share of the machine's cores, 0.0 to 10.0. Counts on
    /// [`initialize_with`](crate::initialize_with) only, not on a pool of your own.
    pub fn max_load_average(mut self, share: f64) -> Config {
        self.max_load_average = Some(share);
        self
    }

    /// How long a worker that ran into its deadline may take to leave after SIGTERM, before SIGKILL.
    pub fn grace(mut self, grace: Duration) -> Config {
        self.grace = Some(grace);
        self
    }

    /// How long [`shutdown`](crate::shutdown) or dropping a pool waits for accepted calls.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Config {
        self.shutdown_timeout = Some(timeout);
        self
    }

    /// File descriptors that workers keep under the same numbers, as they are when the pool is made; all
    /// others but the standard output and error are closed in them. At most 32. A task's subprocesses
    /// inherit them.
    pub fn keep_fds(mut self, fds: impl IntoIterator<Item = RawFd>) -> Config {
        self.keep_fds = fds.into_iter().collect();
        self
    }

    /// Fills in and checks.
    pub(crate) fn settle(self) -> Result<Settings> {
        let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
        let (workers, what) = pick("workers", self.workers, "MULTICORE_WORKERS")?
            .unwrap_or_else(|| (cores().min(MAX_WORKERS), "workers"));
        within(what, workers, 1, MAX_WORKERS)?;
        let (slots, what) =
            pick("slots", self.slots, "MULTICORE_SLOTS")?.unwrap_or(((workers * 16).max(64), "slots"));
        within(what, slots, 1, MAX_SLOTS)?;
        let (payload_limit, what) = pick("payload_limit", self.payload_limit, "MULTICORE_PAYLOAD_LIMIT")?
            .unwrap_or((PAYLOAD_LIMIT, "payload_limit"));
        within(what, payload_limit, LEAST_PAYLOAD_LIMIT, MOST_PAYLOAD_LIMIT)?;
        let start = match self.start {
            Some(start) => Some(start),
            None => start_from_environment()?,
        };
        let max_load_average = pick("max_load_average", self.max_load_average, "MULTICORE_MAX_LOAD_AVERAGE")?;
        if let Some((share, what)) = max_load_average {
            crate::load::check(share).map_err(|why| Error::config(what, why))?;
        }
        Ok(Settings {
            workers,
            slots,
            payload_limit: usize::try_from(payload_limit).unwrap_or(usize::MAX),
            start,
            max_load_average: max_load_average.map(|(share, _)| share),
            grace: self.grace.unwrap_or(Duration::from_millis(100)),
            shutdown_timeout: self.shutdown_timeout.unwrap_or(Duration::from_secs(10)),
            keep_fds: self.keep_fds,
        })
    }
}

/// The value set in code, else the variable's; with the name of what set it.
fn pick<T: std::str::FromStr>(
    what: &'static str,
    set: Option<T>,
    variable: &'static str,
) -> Result<Option<(T, &'static str)>> {
    if let Some(value) = set {
        return Ok(Some((value, what)));
    }
    let Some(text) = read(variable)? else { return Ok(None) };
    match text.trim().parse() {
        Ok(value) => Ok(Some((value, variable))),
        Err(_) => Err(Error::config(variable, format!("`{text}` is no number for {what}"))),
    }
}

fn read(variable: &str) -> Result<Option<String>> {
    match env::var(variable) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Error::config(variable, "the value is not UTF-8")),
    }
}

fn within<T: PartialOrd + std::fmt::Display>(what: &str, value: T, least: T, most: T) -> Result<()> {
    if value < least || value > most {
        return Err(Error::config(what, format!("{value} is not within {least} to {most}")));
    }
    Ok(())
}

fn start_from_environment() -> Result<Option<Start>> {
    match read("MULTICORE_START")?.as_deref() {
        None => Ok(None),
        Some("exec") => Ok(Some(Start::Exec)),
        Some("fork") => Ok(Some(Start::Fork)),
        Some(other) => {
            Err(Error::config("MULTICORE_START", format!("`{other}` is neither `exec` nor `fork`")))
        }
    }
}

/// What `MULTICORE_BACKEND` says.
pub(crate) fn backend_from_environment() -> Result<BackendChoice> {
    match read("MULTICORE_BACKEND")?.as_deref() {
        None | Some("processes") => Ok(BackendChoice::Processes),
        Some("inline") => Ok(BackendChoice::Inline),
        Some(other) => {
            Err(Error::config("MULTICORE_BACKEND", format!("`{other}` is neither `processes` nor `inline`")))
        }
    }
}
