//! Filling in what a [`Config`] leaves open, from the environment and the defaults, and checking it.

use std::env;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::{BackendChoice, Config, Start};
use crate::error::{Error, Result};
use crate::processes::spin::{LONGEST, Patience};
use crate::processes::worker::fault::{self, Plan};
use crate::processes::worker::limits::Limits;
use crate::sandbox::Sandbox;
use crate::shm::layout::{MAX_SLOTS, MAX_WORKERS};
use crate::sys::{memfd, process};

/// A [`Config`] with every blank filled in and every value checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) workers: usize,
    pub(crate) slots: usize,
    pub(crate) payload_limit: usize,
    pub(crate) warm_memory: u64,
    pub(crate) start: Option<Start>,
    pub(crate) max_load_average: Option<f64>,
    pub(crate) grace: Duration,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) keep_fds: Vec<RawFd>,
    /// For calls that name none.
    pub(crate) timeout: Option<Duration>,
    pub(crate) limits: Limits,
    pub(crate) sandbox: Option<Sandbox>,
    pub(crate) patience: Patience,
    /// Calls must not run in this process.
    pub(crate) isolate: bool,
    /// How long results of jobs wait to be collected.
    pub(crate) keep_results: Duration,
}

/// How long results of jobs wait to be collected, unless it is said.
pub(crate) const KEEP_RESULTS: Duration = Duration::from_secs(3600);

impl Settings {
    /// Whether calls may run in this very process, `why` ever they would have to.
    ///
    /// # Errors
    /// `Refused` for a sandboxed pool.
    pub(crate) fn allow_here(&self, why: &str) -> Result<()> {
        match self.sandbox {
            Some(_) => {
                Err(Error::refused(format!("a sandboxed pool runs nothing in this process, and {why}")))
            }
            None => Ok(()),
        }
    }
}

/// The payload limit that the address space allows without a thought.
const PAYLOAD_LIMIT: u64 = 4 << 30;
/// What a payload of 64 MiB takes, there and back.
const WARM_MEMORY: u64 = 128 << 20;
/// Windows are not made smaller than this.
pub(crate) const LEAST_PAYLOAD_LIMIT: u64 = 4096;
/// Above this a slot's windows would not fit the address space.
const MOST_PAYLOAD_LIMIT: u64 = 1 << 40;

impl Config {
    /// Fills in and checks.
    pub(crate) fn settle(self) -> Result<Settings> {
        let limits = checked(self.limits)?;
        let isolate = limits.isolate() || self.timeout.is_some() || self.sandbox.is_some();
        if self.sandbox.is_some() && self.start == Some(Start::Fork) {
            let why = "a sandboxed pool starts by `exec`: a fork would carry this program's memory along";
            return Err(Error::config("start", why));
        }
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let named = if limits.cpus.is_empty() { cores } else { limits.cpus.len() };
        let (workers, what) = pick("workers", self.workers, "MULTICORE_WORKERS")?
            .unwrap_or((named.min(MAX_WORKERS), "workers"));
        within(what, workers, 1, MAX_WORKERS)?;
        let background = self.background_workers.unwrap_or(workers.saturating_sub(1).max(1));
        within("background_workers", background, 1, workers)?;
        let (slots, what) =
            pick("slots", self.slots, "MULTICORE_SLOTS")?.unwrap_or((default_slots(workers), "slots"));
        within(what, slots, 1, MAX_SLOTS)?;
        let payload_limit = payload_limit(self.payload_limit)?;
        let warm_memory = pick("warm_memory", self.warm_memory, "MULTICORE_WARM_MEMORY")?
            .map_or_else(warm_by_default, |(bytes, _)| bytes);
        if let Some(longest) = self.spin.filter(|asked| *asked > LONGEST) {
            let why =
                format!("{longest:?} is longer than {LONGEST:?}; whoever waits looks at the pool that often");
            return Err(Error::config("spin", why));
        }
        let start = match self.start {
            _ if self.sandbox.is_some() => Some(Start::Exec),
            Some(start) => Some(start),
            None => start_from_environment()?,
        };
        let max_load_average = pick("max_load_average", self.max_load_average, "MULTICORE_MAX_LOAD_AVERAGE")?;
        if let Some((share, what)) = max_load_average {
            crate::load::check(share).map_err(|why| Error::config(what, why))?;
        }
        let pin = self.pin.map_or_else(pin_from_environment, Ok)?;
        Ok(Settings {
            workers,
            slots,
            payload_limit,
            warm_memory,
            start,
            max_load_average: max_load_average.map(|(share, _)| share),
            grace: self.grace.unwrap_or(Duration::from_millis(100)),
            shutdown_timeout: self.shutdown_timeout.unwrap_or(Duration::from_secs(10)),
            keep_fds: self.keep_fds,
            timeout: self.timeout,
            limits: Limits {
                background_from: workers - background,
                ..with_defaults(if pin { pinned(limits)? } else { limits })
            },
            sandbox: self.sandbox,
            patience: Patience { asked: self.spin, cores },
            isolate,
            keep_results: self.keep_results.unwrap_or(KEEP_RESULTS),
        })
    }
}

/// The most bytes of one payload: as set, else the variable's, else the default.
pub(crate) fn payload_limit(set: Option<u64>) -> Result<usize> {
    let (bytes, what) =
        pick("payload_limit", set, "MULTICORE_PAYLOAD_LIMIT")?.unwrap_or((PAYLOAD_LIMIT, "payload_limit"));
    within(what, bytes, LEAST_PAYLOAD_LIMIT, MOST_PAYLOAD_LIMIT)?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Enough for a thousand calls in flight. Each costs a header of 256 bytes and address space, which where that
/// is limited had better go to large payloads.
fn default_slots(workers: usize) -> usize {
    match memfd::address_space_left().or_else(memfd::file_size_limit) {
        None => (workers * 64).clamp(1024, MAX_SLOTS),
        Some(_) => (workers * 16).clamp(64, MAX_SLOTS),
    }
}

/// The fewest descriptors that a worker can do with: its own, and a few for the task.
const LEAST_FILES: u64 = 16;
/// Below this no program starts its `main`.
const LEAST_DATA: u64 = 4 << 20;
/// The most bytes of names and values, which travel in one message.
const MOST_VARIABLES: usize = 32 << 10;

fn checked(limits: Limits) -> Result<Limits> {
    within("max_calls", limits.max_calls.unwrap_or(1), 1, u64::MAX)?;
    within("data_limit", limits.data.unwrap_or(LEAST_DATA), LEAST_DATA, u64::MAX - 1)?;
    within("file_limit", limits.files.unwrap_or(LEAST_FILES), LEAST_FILES, u64::MAX - 1)?;
    let most = process::most_files();
    if limits.files.is_some_and(|files| files > most) {
        let why = format!("this process itself may open {most} at most; raise `ulimit -Hn`");
        return Err(Error::config("file_limit", why));
    }
    within("niceness", limits.niceness.unwrap_or(0), -20, 19)?;
    if limits.cpu.is_some_and(|time| time.is_zero()) {
        return Err(Error::config("cpu_limit", "0 would end every worker; leave it out for none"));
    }
    if let Some(usable) = process::usable_cpus()
        && let Some(other) = limits.cpus.iter().find(|cpu| !usable.contains(cpu))
    {
        let why = format!("core {other} is none of those that this process may use: {usable:?}");
        return Err(Error::config("cpus", why));
    }
    for (name, value) in &limits.variables {
        let (name, value) = (name.as_bytes(), value.as_bytes());
        if name.is_empty() || name.contains(&b'=') || name.contains(&0) || value.contains(&0) {
            let why = "a name is not empty and has no `=`, and neither name nor value has a zero byte";
            return Err(Error::config("env", why));
        }
    }
    let bytes: usize = limits.variables.iter().map(|(name, value)| name.len() + value.len() + 16).sum();
    within("env", bytes, 0, MOST_VARIABLES)?;
    Ok(limits)
}

/// A worker is one of many: its libraries shall not each start a thread for every core.
fn with_defaults(mut limits: Limits) -> Limits {
    let one = ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"].map(|name| (name.into(), "1".into()));
    limits.variables.splice(0..0, one);
    limits
}

/// Each worker to one core, by name.
fn pinned(mut limits: Limits) -> Result<Limits> {
    if limits.cpus.is_empty() {
        limits.cpus = process::usable_cpus().ok_or_else(|| {
            Error::config("pin", "the kernel does not tell which cores there are; name them by `cpus`")
        })?;
    }
    Ok(Limits { cpus: process::spread(limits.cpus), pin: true, ..limits })
}

/// Not much of what a cgroup allows.
fn warm_by_default() -> u64 {
    process::memory_of_cgroup().map_or(WARM_MEMORY, |memory| WARM_MEMORY.min(memory / 16))
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

fn pin_from_environment() -> Result<bool> {
    match read("MULTICORE_PIN")?.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => {
            Err(Error::config("MULTICORE_PIN", format!("`{other}` is neither `true` nor `false`")))
        }
    }
}

/// What `MULTICORE_FAULT` says.
///
/// # Errors
/// `Config`; also where calls run `inline`, because a fault there would be the program's own.
pub(crate) fn faults_from_environment(inline: bool) -> Result<Vec<Plan>> {
    let text = read(fault::VARIABLE)?;
    if inline && text.is_some() {
        return Err(Error::config(
            fault::VARIABLE,
            "faults need worker processes; leave `MULTICORE_BACKEND` out",
        ));
    }
    fault::plans(text.as_deref())
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
