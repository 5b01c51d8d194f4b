//! Filling in what a [`Config`] leaves open, from the environment and the defaults, and checking it.

use std::env;
use std::time::Duration;

use super::{Backend, Config, Limits, RawFd, Start, machine};
use crate::error::{Error, Result};
#[cfg(processes)]
use crate::processes::spin::{LONGEST, Patience};
#[cfg(processes)]
use crate::processes::worker::fault::{self, Plan};
use crate::sandbox::Sandbox;
use crate::shm::layout::{MAX_SLOTS, MAX_WORKERS};

/// A [`Config`] with every blank filled in and every value checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) backend: Backend,
    /// Whether the environment chose it, whatever the program asks of its pool.
    pub(crate) backend_asked_for: bool,
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
    #[cfg(processes)]
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

    /// Whether there may be a pool without processes, which this backend is.
    ///
    /// # Errors
    /// `Refused` for a sandboxed pool; `Config` where the environment asks for faults.
    pub(crate) fn allow_alone(&self, backend: &str) -> Result<()> {
        self.allow_here(&format!("`MULTICORE_BACKEND={backend}` leaves it no other"))?;
        if read(FAULT)?.is_some() {
            let why = format!("faults need worker processes, and this pool's backend is `{backend}`");
            return Err(Error::config(FAULT, why));
        }
        Ok(())
    }
}

/// Asks for faults.
pub(crate) const FAULT: &str = "MULTICORE_FAULT";
/// The payload limit that the address space allows without a thought.
const PAYLOAD_LIMIT: u64 = 4 << 30;
/// What a payload of 64 MiB takes, there and back.
pub(super) const WARM_MEMORY: u64 = 128 << 20;
/// Windows are not made smaller than this.
pub(crate) const LEAST_PAYLOAD_LIMIT: u64 = 4096;
/// Above this a slot's windows would not fit the address space.
const MOST_PAYLOAD_LIMIT: u64 = 1 << 40;

impl Config {
    /// Fills in and checks.
    pub(crate) fn settle(self) -> Result<Settings> {
        let (backend, backend_asked_for) = self.choose()?;
        let limits = machine::checked(self.limits)?;
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
        let (slots, what) = pick("slots", self.slots, "MULTICORE_SLOTS")?
            .unwrap_or((machine::default_slots(workers), "slots"));
        within(what, slots, 1, MAX_SLOTS)?;
        let payload_limit = payload_limit(self.payload_limit)?;
        let warm_memory = pick("warm_memory", self.warm_memory, "MULTICORE_WARM_MEMORY")?
            .map_or_else(machine::warm_by_default, |(bytes, _)| bytes);
        #[cfg(processes)]
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
        let max_load_average = max_load_average(self.max_load_average)?;
        let pin = self.pin.map_or_else(pin_from_environment, Ok)?;
        Ok(Settings {
            backend,
            backend_asked_for,
            workers,
            slots,
            payload_limit,
            warm_memory,
            start,
            max_load_average,
            grace: self.grace.unwrap_or(Duration::from_millis(100)),
            shutdown_timeout: self.shutdown_timeout.unwrap_or(Duration::from_secs(10)),
            keep_fds: self.keep_fds,
            timeout: self.timeout,
            limits: Limits {
                background_from: workers - background,
                ..with_defaults(if pin { machine::pinned(limits)? } else { limits })
            },
            sandbox: self.sandbox,
            #[cfg(processes)]
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

/// A worker is one of many: its libraries shall not each start a thread for every core.
fn with_defaults(mut limits: Limits) -> Limits {
    let one = ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"].map(|name| (name.into(), "1".into()));
    limits.variables.splice(0..0, one);
    limits
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

pub(super) fn read(variable: &str) -> Result<Option<String>> {
    match env::var(variable) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Error::config(variable, "the value is not UTF-8")),
    }
}

pub(super) fn within<T: PartialOrd + std::fmt::Display>(
    what: &str,
    value: T,
    least: T,
    most: T,
) -> Result<()> {
    if value < least || value > most {
        return Err(Error::config(what, format!("{value} is not within {least} to {most}")));
    }
    Ok(())
}

/// The load guard's threshold: the one set in code, else the variable's.
pub(crate) fn max_load_average(set: Option<f64>) -> Result<Option<f64>> {
    let picked = pick("max_load_average", set, "MULTICORE_MAX_LOAD_AVERAGE")?;
    if let Some((share, what)) = picked {
        crate::load::check(share).map_err(|why| Error::config(what, why))?;
    }
    Ok(picked.map(|(share, _)| share))
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
#[cfg(processes)]
pub(crate) fn faults_from_environment() -> Result<Vec<Plan>> {
    fault::plans(read(FAULT)?.as_deref())
}
