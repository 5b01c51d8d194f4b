//! The options of a pool, from code and from the environment.

mod choice;
mod limits;
#[cfg(processes)]
mod machine;
#[cfg(not(processes))]
#[path = "config/elsewhere.rs"]
mod machine;
mod settle;

use std::ffi::OsString;
#[cfg(processes)]
use std::os::fd::RawFd;
use std::time::Duration;

pub(crate) use self::limits::Limits;
#[cfg(processes)]
pub(crate) use self::settle::{FAULT, LEAST_PAYLOAD_LIMIT, faults_from_environment, payload_limit};
pub(crate) use self::settle::{KEEP_RESULTS, Settings, max_load_average};
use crate::sandbox::Sandbox;

/// A descriptor's number, which elsewhere stands for nothing.
#[cfg(not(processes))]
type RawFd = std::ffi::c_int;

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

/// Where a pool's calls run. The same tasks run on each, and give the same answers.
///
/// | | `Processes` | `Threads` | `Inline` |
/// |---|---|---|---|
/// | a call runs | in a worker process | on a thread of this process | in the thread that makes it, before `spawn` returns |
/// | a crash, `exit`, out of memory | costs that call | ends the program | ends the program |
/// | a panic | [`Panicked`](crate::Error::Panicked) | the same | the same |
/// | statics | each worker has its own | this program's | this program's |
/// | timeout, retries, `isolate` | | [`Refused`](crate::Error::Refused) | `Refused` |
/// | options that are about processes | | [`Error::Config`](crate::Error::Config) | `Error::Config` |
/// | [`Handle::cancel`](crate::Handle::cancel), queued | dropped | dropped | nothing is queued |
/// | … running | the worker is ended | [`cancelled`](crate::cancelled()) says so, and the call is `Cancelled` once it returns | it is over |
/// | [`progress`](crate::progress()) | two stores | a lock and two stores | nowhere |
/// | [`breadcrumb`](crate::breadcrumb()) | in errors and in [`Pool::state`](crate::Pool::state) | in `Pool::state` | nowhere |
/// | start and exit hooks | once a process | once a thread | never |
/// | at the program's end | workers are ended | exit hooks run only by [`shutdown`](crate::shutdown) or dropping the pool | |
///
/// Where `MULTICORE_BACKEND` chose, and not the program, calls with a timeout, retries or `isolate` run all the same,
/// without; and options that are about processes do not count. It is for debuggers, coverage, and a look at what
/// processes cost.
///
/// Calls that a task makes itself run inside of it, on all three. A thread that a task starts is no worker: calls that
/// it makes on its own pool of threads, and waits for, wait for a thread that may be waiting for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Worker processes: the default on 64-bit little-endian Linux, and an [`Error::Config`](crate::Error::Config)
    /// on every other system.
    Processes,
    /// Threads of this process, by `rayon-core`: the default where there are no worker processes, and elsewhere with
    /// the feature `threads`.
    ///
    /// What `rayon` itself does inside of a task runs on the pool's threads.
    Threads,
    /// No workers at all.
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
/// | [`slots`](Config::slots) | `MULTICORE_SLOTS` | 64 for each worker, at least 1024; 16 and 64 where the address space or the file size is limited |
/// | [`payload_limit`](Config::payload_limit) | `MULTICORE_PAYLOAD_LIMIT` | 4 GiB, less where the address space or the file size is limited |
/// | [`warm_memory`](Config::warm_memory) | `MULTICORE_WARM_MEMORY` | 128 MiB, at most a sixteenth of what the cgroup allows |
/// | [`start`](Config::start) | `MULTICORE_START` (`exec`, `fork`) | `fork` after `initialize()`, else `exec` |
/// | [`max_load_average`](Config::max_load_average) | `MULTICORE_MAX_LOAD_AVERAGE` | none: `Task::try_new` is never `None` |
/// | [`timeout`](Config::timeout) | – | none: a call runs as long as it likes |
/// | [`grace`](Config::grace) | – | 100 ms |
/// | [`shutdown_timeout`](Config::shutdown_timeout) | – | 10 s |
/// | [`background_workers`](Config::background_workers) | – | all but one, at least one |
/// | [`keep_results`](Config::keep_results) | – | 1 h |
/// | [`keep_fds`](Config::keep_fds) | – | none |
/// | [`spin`](Config::spin) | – | up to 50 µs, as far as it pays |
/// | [`max_calls`](Config::max_calls) | – | none |
/// | [`max_memory`](Config::max_memory) | – | none |
/// | [`data_limit`](Config::data_limit) | – | the memory that the cgroup allows, where it limits it and less than half of that is mapped |
/// | [`cpu_limit`](Config::cpu_limit) | – | none |
/// | [`file_limit`](Config::file_limit) | – | that of this process |
/// | [`niceness`](Config::niceness) | – | that of this process |
/// | [`cpus`](Config::cpus) | – | those of this process |
/// | [`pin`](Config::pin) | `MULTICORE_PIN` (`true`, `false`) | `false`: the kernel moves workers as it likes |
/// | [`env`](Config::env) | – | `OMP_NUM_THREADS=1`, `RAYON_NUM_THREADS=1` |
/// | `sandbox` (a feature) | – | none |
/// | [`backend`](Config::backend) | `MULTICORE_BACKEND` (`processes`, `threads`, `inline`) | `processes`, where there are any |
/// | – | `MULTICORE_FAULT` (`kill:render:3`) | none |
///
/// Calls to a pool with a timeout, a limit (calls, memory, data, CPU time, files) or a sandbox never run in the
/// client: they are [`Error::Refused`](crate::Error::Refused) where they would have to. But where `MULTICORE_BACKEND`
/// chose another backend, and inside a worker, they run without the timeout and the limits; a sandboxed pool refuses
/// there too.
///
/// ```
/// let pool = multicore::Pool::builder().workers(2).slots(128).build()?;
/// assert_eq!(pool.workers(), 2);
/// # Ok::<(), multicore::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Config {
    backend: Option<Backend>,
    workers: Option<usize>,
    slots: Option<usize>,
    payload_limit: Option<u64>,
    warm_memory: Option<u64>,
    pub(crate) start: Option<Start>,
    max_load_average: Option<f64>,
    grace: Option<Duration>,
    shutdown_timeout: Option<Duration>,
    pub(crate) keep_fds: Vec<RawFd>,
    timeout: Option<Duration>,
    spin: Option<Duration>,
    limits: Limits,
    pin: Option<bool>,
    sandbox: Option<Sandbox>,
    keep_results: Option<Duration>,
    background_workers: Option<usize>,
}

impl Config {
    /// Nothing set.
    pub fn new() -> Config {
        Config::default()
    }

    /// Where the pool's calls run.
    pub fn backend(mut self, backend: Backend) -> Config {
        self.backend = Some(backend);
        self
    }

    /// Workers, 1 to 1024. The number is fixed for the pool's life.
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

    /// Bytes of shared memory that stay with the pool between calls, for the next large payloads; what is
    /// above goes back to the system after each call. The first 16 KiB of each slot's arguments and result stay
    /// besides, also with 0. Once nothing large has travelled for two seconds or three, all of it goes back.
    ///
    /// A payload whose memory is there already travels ten times as fast as one whose memory has to come.
    pub fn warm_memory(mut self, bytes: u64) -> Config {
        self.warm_memory = Some(bytes);
        self
    }

    /// How worker processes come to be.
    pub fn start(mut self, start: Start) -> Config {
        self.start = Some(start);
        self
    }

    /// The threshold that [`Task::try_new`](crate::Task::try_new) asks for, in the whole process: it is `None` while
    /// the one-minute load average is above this share of the machine's cores, 0.0 to 10.0. Counts on
    /// [`initialize_with`](crate::initialize_with) only, not on a pool of your own.
    ///
    /// Nothing else looks at it: `par_ranges!` has an option of the same name,
    /// [`Task::with_max_load_average`](crate::Task::with_max_load_average) an argument.
    pub fn max_load_average(mut self, share: f64) -> Config {
        self.max_load_average = Some(share);
        self
    }

    /// How long a call may run that names no timeout, and whose task names none.
    pub fn timeout(mut self, timeout: Duration) -> Config {
        self.timeout = Some(timeout);
        self
    }

    /// How long a worker may take from the end of its call's time to its own: SIGTERM comes at once, or
    /// after half of it where the function asks [`cancelled`](crate::cancelled). SIGKILL, to the worker's
    /// whole process group, comes a little before it is over (a tenth, at most 10 ms), so that the worker
    /// is gone then.
    pub fn grace(mut self, grace: Duration) -> Config {
        self.grace = Some(grace);
        self
    }

    /// How long [`shutdown`](crate::shutdown) or dropping a pool waits for accepted calls.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Config {
        self.shutdown_timeout = Some(timeout);
        self
    }

    /// How many workers may run calls that are sent by [`Call::background`](crate::Call::background), from 1 to all
    /// of them. The others are free for calls that somebody waits for, however many jobs there are and however
    /// long they take.
    ///
    /// A pool of one worker has none to spare: a job occupies it until it is done.
    pub fn background_workers(mut self, workers: usize) -> Config {
        self.background_workers = Some(workers);
        self
    }

    /// How long the result of a [`Job`](crate::Job) waits for somebody to collect it, counted from the job's end;
    /// then it is dropped, and nobody finds the job any more. [`Duration::MAX`] keeps it until it is collected.
    ///
    /// No thread of this crate's watches the time. Results whose time is over go when somebody in this process
    /// next starts, finds, lists or asks a job, or waits for a call of the pool; until then they stay where they
    /// are. A program that does none of that keeps what it has. The results of jobs that ran in
    /// the thread that sent them wait for an hour, whatever this says.
    pub fn keep_results(mut self, time: Duration) -> Config {
        self.keep_results = Some(time);
        self
    }

    /// File descriptors that workers keep under the same numbers, as they are when the pool is made; all
    /// others but the standard output and error are closed in them. At most 32. A task's subprocesses
    /// inherit them.
    pub fn keep_fds(mut self, fds: impl IntoIterator<Item = RawFd>) -> Config {
        self.keep_fds = fds.into_iter().collect();
        self
    }

    /// How long whoever waits, a thread for its result or a worker for its next call, looks again and again
    /// before it sleeps: always as long as this, up to 100 ms, or never with [`Duration::ZERO`].
    ///
    /// Otherwise it adapts: a wait costs the least where the other process runs on a core of its own, and a
    /// core where it does not. It follows what spinning gained lately, and hardly spins where every core is
    /// taken.
    pub fn spin(mut self, longest: Duration) -> Config {
        self.spin = Some(longest);
        self
    }

    /// Replaces a worker by a fresh one after so many calls, at least 1: against leaks and fragmentation.
    pub fn max_calls(mut self, calls: u64) -> Config {
        self.limits.max_calls = Some(calls);
        self
    }

    /// Replaces a worker by a fresh one when it has more than this many bytes of private memory resident
    /// after a call.
    ///
    /// Memory that it was forked with counts once it is mapped there: under
    /// [`Start::Fork`] leave room for what was loaded before.
    pub fn max_memory(mut self, bytes: u64) -> Config {
        self.limits.max_memory = Some(bytes);
        self
    }

    /// The most bytes of private memory that a worker may map for writing (`RLIMIT_DATA`). An allocation
    /// beyond it fails: in Rust that aborts the worker, and the call is
    /// [`Error::Died`](crate::Error::Died).
    ///
    /// Arguments and results travel through shared memory, which does not count;
    /// [`payload_limit`](Config::payload_limit) bounds them.
    ///
    /// At least 4 MiB. Where a worker has more than this mapped as it begins, none becomes ready:
    /// [`Error::RestartLimit`](crate::Error::RestartLimit).
    pub fn data_limit(mut self, bytes: u64) -> Config {
        self.limits.data = Some(bytes);
        self
    }

    /// How long a worker may be on a core over its whole life, in whole seconds, rounded up
    /// (`RLIMIT_CPU`); the call that it is in then is [`Error::Died`](crate::Error::Died) by SIGXCPU.
    /// With [`max_calls`](Config::max_calls)`(1)` it is a limit for each call.
    pub fn cpu_limit(mut self, time: Duration) -> Config {
        self.limits.cpu = Some(time);
        self
    }

    /// How many descriptors a worker may have open (`RLIMIT_NOFILE`), at least 16 and no more than this process's
    /// hard limit (`ulimit -Hn`).
    pub fn file_limit(mut self, files: u64) -> Config {
        self.limits.files = Some(files);
        self
    }

    /// How readily workers give way to other programs, from -20 (never) to 19 (always). Below this
    /// process's own value it takes a privilege: without, no worker becomes ready, and calls are
    /// [`Error::RestartLimit`](crate::Error::RestartLimit).
    pub fn niceness(mut self, niceness: i32) -> Config {
        self.limits.niceness = Some(niceness);
        self
    }

    /// The cores that workers may run on, by number; as many workers as there are such cores unless
    /// [`workers`](Config::workers) or `MULTICORE_WORKERS` says otherwise.
    pub fn cpus(mut self, cpus: impl IntoIterator<Item = usize>) -> Config {
        self.limits.cpus = cpus.into_iter().collect();
        self
    }

    /// Keeps each worker to one core of its own: the first of those that workers may run on
    /// ([`cpus`](Config::cpus), or this process's) to the first worker and so on, one of each physical core
    /// before its siblings, and round again where there are more workers. A worker that takes another's place
    /// takes its core.
    ///
    /// Good where the machine is the pool's alone: caches stay warm, and no two workers share a core while
    /// another idles, as happens where the kernel packs processes. Bad where others use the cores too: a worker
    /// then waits for its own core while another is free. Threads and subprocesses of a task stay on that one
    /// core.
    pub fn pin(mut self, pin: bool) -> Config {
        self.pin = Some(pin);
        self
    }

    /// Sets a variable in the environment of workers; the last of one name counts.
    ///
    /// `OMP_NUM_THREADS` and `RAYON_NUM_THREADS` are 1 there otherwise, because so many workers with so
    /// many threads each would be too many for the machine. At most 32 KiB of names and values in all, 16 bytes more
    /// for each.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Config {
        self.limits.variables.push((name.into(), value.into()));
        self
    }

    /// Keeps workers from nearly everything that is outside of them, for tasks that handle what nobody
    /// trusts: see [`Sandbox`]. Needs the feature `sandbox`, and workers that start by [`Start::Exec`].
    #[cfg(all(feature = "sandbox", processes))]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Config {
        self.sandbox = Some(sandbox);
        self
    }
}
