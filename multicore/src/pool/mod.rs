//! Pools: what a user makes or finds made, and where its calls run.

pub(crate) mod default;
#[cfg(processes)]
mod processes;
pub(crate) mod reserved;
pub(crate) mod state;
pub(crate) mod stats;

use std::cell::Cell;
use std::fmt;
#[cfg(processes)]
use std::sync::Arc;

use crate::call::Call;
use crate::config::{Backend, Config, Settings, Start};
use crate::error::{Error, Result};
use crate::handle::Handle;
#[cfg(processes)]
use crate::processes::client::Client;
#[cfg(processes)]
use crate::processes::client::launch::Origin;
#[cfg(processes)]
use crate::processes::worker::ready;
use crate::resource;
#[cfg(threads)]
use crate::threads::around;
#[cfg(threads)]
use crate::threads::crew::Threads;

/// Workers, and what is queued for them.
///
/// Most programs need none of their own: [`Call::spawn`], [`Task`](crate::Task) and
/// [`par_ranges!`](crate::par_ranges) use the process-wide default pool. Dropping a pool finishes the
/// accepted calls, within [`Config::shutdown_timeout`], and ends its workers.
///
/// Any number of threads may use one pool. A forked child of this process cannot: there every call on
/// it is [`Error::Closed`].
///
/// Workers are processes, unless the program or `MULTICORE_BACKEND` says otherwise: [`Backend`] has what differs.
///
/// ```
/// #[multicore::task]
/// fn square(n: u64) -> u64 { n * n }
///
/// for pool in [multicore::Pool::processes()?, multicore::Pool::inline()?] {
///     assert_eq!(pool.spawn(square::call(7))?.get()?, 49);
/// }
/// # Ok::<(), multicore::Error>(())
/// ```
pub struct Pool {
    pub(crate) engine: Engine,
}

/// What runs a pool's calls.
pub(crate) enum Engine {
    #[cfg(processes)]
    Processes(Arc<Client>),
    #[cfg(threads)]
    Threads(Box<Threads>),
    /// Each call in the thread that makes it, because the program or `MULTICORE_BACKEND` says so, or because this is
    /// a worker.
    Inline { asked_for: bool, workers: usize },
}

/// Why a worker opens no pool of its own.
const IN_WORKER: &str = "a worker runs the calls that its task makes itself";

thread_local! {
    /// Whether this thread runs a call of a pool without workers, as one would.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether this process, or this thread, is a worker: calls made here run here.
pub(crate) fn in_worker() -> bool {
    #[cfg(processes)]
    if ready::in_worker() {
        return true;
    }
    #[cfg(threads)]
    if around::in_crew() {
        return true;
    }
    INSIDE.get()
}

/// Runs a call here as a worker would: calls that it makes run inside of it.
pub(crate) fn as_worker<R>(run: impl FnOnce() -> R) -> R {
    let outer = INSIDE.replace(true);
    let result = run();
    INSIDE.set(outer);
    result
}

impl Config {
    /// Makes the pool.
    ///
    /// # Errors
    /// `Config` for a value out of range or a start method that the program does not use;
    /// `Registry` for an unusable table of tasks; `Os` when the kernel refuses; `RestartLimit`; `Refused` for a
    /// sandboxed pool inside a worker, and where `MULTICORE_BACKEND` chose another backend.
    pub fn build(self) -> Result<Pool> {
        let settings = self.settle()?;
        Pool::open(settings, false)
    }
}

impl Pool {
    /// The options of a pool to be made.
    pub fn builder() -> Config {
        Config::new()
    }

    /// A pool of worker processes, as many as this process may use cores; the default, whatever
    /// `MULTICORE_BACKEND` says.
    ///
    /// # Errors
    /// As [`Config::build`]; `Config` on a system that has none ([`Backend::Processes`]).
    pub fn processes() -> Result<Pool> {
        Config::new().backend(Backend::Processes).build()
    }

    /// A pool of so many threads of this process, 1 to 1024; the feature `threads`, where there are processes.
    /// [`Backend::Threads`] says what differs.
    ///
    /// ```
    /// #[multicore::task]
    /// fn shout(text: &str) -> String { text.to_uppercase() }
    ///
    /// # #[cfg(feature = "threads")] {
    /// let pool = multicore::Pool::threads(4)?;
    /// assert_eq!(pool.spawn(shout::call("tea"))?.get()?, "TEA");
    /// # }
    /// # Ok::<(), multicore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Config::build`].
    #[cfg(threads)]
    pub fn threads(threads: usize) -> Result<Pool> {
        Config::new().backend(Backend::Threads).workers(threads).build()
    }

    /// A pool without workers: each call runs in the thread that makes it, before its `spawn` returns.
    /// [`Backend::Inline`] says what differs.
    ///
    /// # Errors
    /// As [`Config::build`].
    pub fn inline() -> Result<Pool> {
        Config::new().backend(Backend::Inline).build()
    }

    /// Makes a pool; `initializes`: what it is forked from is forked now.
    pub(crate) fn open(
        settings: Settings,
        #[cfg_attr(not(processes), expect(unused_variables, reason = "nothing is forked"))] initializes: bool,
    ) -> Result<Pool> {
        crate::registry::registry()?;
        if in_worker() {
            settings.allow_here(IN_WORKER)?;
            return Ok(Pool { engine: Engine::Inline { asked_for: false, workers: settings.workers } });
        }
        let asked_for = settings.backend_asked_for;
        let engine = match settings.backend {
            #[cfg(processes)]
            Backend::Processes => {
                let faults = crate::config::faults_from_environment()?;
                let from = if initializes { processes::origin(&settings) } else { Origin::AsSettled };
                Engine::Processes(processes::open(settings, from, faults)?)
            }
            #[cfg(threads)]
            Backend::Threads => {
                settings.allow_alone("threads")?;
                Engine::Threads(Box::new(Threads::open(settings, asked_for)?))
            }
            _ => {
                settings.allow_alone("inline")?;
                Engine::Inline { asked_for, workers: settings.workers }
            }
        };
        Ok(Pool { engine })
    }

    /// Sends a call to this pool; waits while every slot is queued or running.
    ///
    /// # Errors
    /// `Closed`, `Config` (a priority out of range), `Encode`, `TooLarge`, `Refused` (an isolation that cannot be had
    /// here, or what cannot travel to a sandbox), `Os`, `RestartLimit`, `Registry`; what the task itself does comes
    /// from the handle.
    ///
    /// # Panics
    /// When an argument's own `Serialize` does.
    pub fn spawn<'a, R: 'static>(&self, call: Call<'a, R>) -> Result<Handle<R>> {
        Handle::spawn(&self.engine, call)
    }

    /// How many workers the pool has; where it has none, how many it would have.
    pub fn workers(&self) -> usize {
        match &self.engine {
            #[cfg(processes)]
            Engine::Processes(client) => client.settings.workers,
            #[cfg(threads)]
            Engine::Threads(threads) => threads.settings.workers,
            Engine::Inline { workers, .. } => *workers,
        }
    }

    /// Where the pool's calls run.
    pub fn backend(&self) -> Backend {
        match &self.engine {
            #[cfg(processes)]
            Engine::Processes(_) => Backend::Processes,
            #[cfg(threads)]
            Engine::Threads(_) => Backend::Threads,
            Engine::Inline { .. } => Backend::Inline,
        }
    }

    /// How many calls a map has under way at most, unless it is said.
    pub(crate) fn in_flight(&self) -> usize {
        match &self.engine {
            #[cfg(processes)]
            Engine::Processes(client) => (client.settings.slots / 2).max(1),
            #[cfg(threads)]
            Engine::Threads(threads) => (threads.settings.slots / 2).max(1),
            Engine::Inline { .. } => 1,
        }
    }

    /// Whether the pool's calls must never run in this process.
    pub(crate) fn isolates(&self) -> bool {
        match self.engine.place() {
            #[cfg(processes)]
            Place::Workers(client) => client.settings.isolate,
            #[cfg(threads)]
            Place::Threads(_) => false,
            Place::Here { .. } => self.engine.allow_here().is_err(),
        }
    }

    /// How the workers come to be; `None` when they are no processes.
    pub fn start_method(&self) -> Option<Start> {
        match &self.engine {
            #[cfg(processes)]
            Engine::Processes(client) => Some(client.method),
            _ => None,
        }
    }

    /// The most bytes that one payload may take here: what was asked for, or less where the address
    /// space or the file size is limited; `u64::MAX` where calls run in the thread that makes them.
    pub fn payload_limit(&self) -> u64 {
        match &self.engine {
            #[cfg(processes)]
            Engine::Processes(client) => client.region.geometry().window as u64,
            #[cfg(threads)]
            Engine::Threads(threads) => threads.settings.payload_limit as u64,
            Engine::Inline { .. } => u64::MAX,
        }
    }

    /// Finishes the accepted calls, refuses new ones, and ends the pool's workers, within
    /// [`Config::shutdown_timeout`]; calls that are not finished by then are [`Error::Closed`] to
    /// their callers. Results can still be collected.
    ///
    /// A thread cannot be ended: one that is in a call then ends after it. In a thread of the pool this does not
    /// wait.
    pub fn shutdown(&self) {
        match &self.engine {
            #[cfg(processes)]
            Engine::Processes(client) => client.shut_down(client.settings.shutdown_timeout),
            #[cfg(threads)]
            Engine::Threads(threads) => threads.shut_down(),
            Engine::Inline { .. } => resource::close_calls_own(),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("backend", &self.backend())
            .field("workers", &self.workers())
            .field("start_method", &self.start_method())
            .finish_non_exhaustive()
    }
}

/// Where a pool's calls run.
pub(crate) enum Place<'e> {
    #[cfg(processes)]
    Workers(&'e Arc<Client>),
    #[cfg(threads)]
    Threads(&'e Threads),
    /// In this thread; `asked_for` by whoever set the variable.
    Here { asked_for: bool },
}

impl Engine {
    /// Where a call that is made now runs: a worker runs its own calls itself, whatever pool it
    /// inherited.
    pub(crate) fn place(&self) -> Place<'_> {
        match self {
            Engine::Inline { asked_for, .. } => Place::Here { asked_for: *asked_for },
            _ if in_worker() => Place::Here { asked_for: false },
            #[cfg(processes)]
            Engine::Processes(client) => Place::Workers(client),
            #[cfg(threads)]
            Engine::Threads(threads) => Place::Threads(threads),
        }
    }

    /// Whether a call may run in this process where [`place`](Engine::place) says so.
    ///
    /// # Errors
    /// `Refused` for a sandboxed pool that a worker inherited.
    pub(crate) fn allow_here(&self) -> Result<()> {
        match self {
            #[cfg(processes)]
            Engine::Processes(client) => client.settings.allow_here(IN_WORKER),
            _ => Ok(()),
        }
    }
}

/// Refuses what must not run in this process.
pub(crate) fn allow_inline<R>(asked_for: bool, call: &Call<'_, R>) -> Result<()> {
    call.check()?;
    let isolated =
        [(call.timeout.is_some(), "a timeout"), (call.retries > 0, "retries"), (call.isolate, "isolation")];
    match isolated.into_iter().find(|(set, _)| *set) {
        Some((_, what)) if !asked_for => Err(Error::refused(format!(
            "`{}` asks for {what}, and would have to run in this very process; drop that, or make the call \
             where a worker can take it",
            call.entry.name()
        ))),
        _ => Ok(()),
    }
}
