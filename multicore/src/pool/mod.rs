//! Pools: what a user makes or finds made, and where its calls run.

pub(crate) mod default;
pub(crate) mod reserved;

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::call::Call;
use crate::config::{BackendChoice, Config, Settings, Start};
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::processes::client::launch::Origin;
use crate::processes::client::life::{self, Life};
use crate::processes::client::link::{Link, is_death};
use crate::processes::client::{Client, launch, template};
use crate::processes::control::Hello;
use crate::processes::map;
use crate::processes::worker::ready;
use crate::sandbox::Sandbox;
use crate::shm::layout::Geometry;
use crate::shm::region::Region;
use crate::sys::eventfd;
use crate::sys::exit::AtExit;

/// Worker processes, their supervisor and their shared memory.
///
/// Most programs need none of their own: [`Call::spawn`], [`Task`](crate::Task) and
/// [`par_ranges!`](crate::par_ranges) use the process-wide default pool. Dropping a pool finishes the
/// accepted calls, within [`Config::shutdown_timeout`], and ends its processes.
///
/// Any number of threads may use one pool. A forked child of this process cannot: there every call on
/// it is [`Error::Closed`].
pub struct Pool {
    pub(crate) backend: Backend,
}

pub(crate) enum Backend {
    Processes(Arc<Client>),
    /// Everything in this process, because `MULTICORE_BACKEND` says so or because this is a worker.
    Inline {
        asked_for: bool,
        workers: usize,
    },
}

/// Why a worker opens no pool of its own.
const IN_WORKER: &str = "a worker runs the calls that its task makes itself";

/// Every pool of this process that may still have processes, for the end of the program.
static LIVING: Mutex<Vec<Weak<Client>>> = Mutex::new(Vec::new());
static AT_EXIT: AtExit = AtExit::new(stop_all);

impl Config {
    /// Makes the pool.
    ///
    /// # Errors
    /// `Config` for a value out of range or a start method that the program does not use;
    /// `Registry` for an unusable table of tasks; `Os` when the kernel refuses; `RestartLimit`.
    pub fn build(self) -> Result<Pool> {
        let settings = self.settle()?;
        Pool::open(settings, Origin::AsSettled)
    }
}

impl Pool {
    /// The options of a pool to be made.
    pub fn builder() -> Config {
        Config::new()
    }

    /// Makes a pool; `from` says where its first supervisor comes from.
    pub(crate) fn open(mut settings: Settings, from: Origin) -> Result<Pool> {
        crate::registry::registry()?;
        if ready::in_worker() {
            settings.allow_here(IN_WORKER)?;
            return Ok(Pool { backend: Backend::Inline { asked_for: false, workers: settings.workers } });
        }
        let inline = crate::config::backend_from_environment()? == BackendChoice::Inline;
        let faults = crate::config::faults_from_environment(inline)?;
        if inline {
            settings.allow_here("`MULTICORE_BACKEND=inline` leaves it no other")?;
            return Ok(Pool { backend: Backend::Inline { asked_for: true, workers: settings.workers } });
        }
        settings.sandbox = settings.sandbox.map(Sandbox::check).transpose()?;
        let (method, bell) = match settings.sandbox {
            // Whatever the program's other pools do.
            Some(_) => (Start::Exec, Some(eventfd::create()?)),
            None => (launch::settle_method(from.method().or(settings.start))?, None),
        };
        // It comes to life while the rest is made ready.
        let launched = launch::launch(method, from, &settings)?;
        let (region, file, hello, kept) = match furnish(&settings, !faults.is_empty()) {
            Ok(furnished) => furnished,
            Err(error) => {
                launched.give_up();
                return Err(error);
            }
        };
        let link = Link::start(launched, &file, bell.as_ref(), &hello, &kept, || {
            map::provide_headers(&region)?;
            (0..settings.slots).for_each(|slot| region.free().insert(slot));
            Ok(())
        });
        let link = link.or_else(|error| {
            let again = || Link::restart(method, &settings, &file, bell.as_ref(), &hello, &kept);
            // As at any later moment of its life.
            if is_death(&error) { again().map_err(|_| error) } else { Err(error) }
        })?;
        let life = Life { link: Some(Arc::new(link)), verdict: None, hello, kept };
        let client = Arc::new(Client::new(region, file, bell, settings, faults, method, life));
        remember(&client);
        Ok(Pool { backend: Backend::Processes(client) })
    }

    /// Sends a call to this pool; waits while every slot is queued or running.
    ///
    /// # Errors
    /// `Closed`, `Encode`, `TooLarge`, `Os`, `RestartLimit`, `Registry`; what the task itself does
    /// comes from the handle.
    pub fn spawn<'a, R: 'static>(&self, call: Call<'a, R>) -> Result<Handle<R>> {
        Handle::spawn(&self.backend, call)
    }

    /// How many workers the pool has.
    pub fn workers(&self) -> usize {
        match &self.backend {
            Backend::Processes(client) => client.settings.workers,
            Backend::Inline { workers, .. } => *workers,
        }
    }

    /// How many calls a map has under way at most, unless it is said.
    pub(crate) fn in_flight(&self) -> usize {
        match &self.backend {
            Backend::Processes(client) => (client.settings.slots / 2).max(1),
            Backend::Inline { .. } => 1,
        }
    }

    /// Whether the pool's calls must never run in this process.
    pub(crate) fn isolates(&self) -> bool {
        match self.backend.place() {
            Place::Workers(client) => client.settings.isolate,
            Place::Here { .. } => self.backend.allow_here().is_err(),
        }
    }

    /// How the workers come to be; `None` when everything runs in this process.
    pub fn start_method(&self) -> Option<Start> {
        match &self.backend {
            Backend::Processes(client) => Some(client.method),
            Backend::Inline { .. } => None,
        }
    }

    /// The most bytes that one payload may take here: what was asked for, or less where the address
    /// space or the file size is limited.
    pub fn payload_limit(&self) -> u64 {
        match &self.backend {
            Backend::Processes(client) => client.region.geometry().window as u64,
            Backend::Inline { .. } => u64::MAX,
        }
    }

    /// Finishes the accepted calls, refuses new ones, and ends the pool's processes, within
    /// [`Config::shutdown_timeout`]; calls that are not finished by then are [`Error::Closed`] to
    /// their callers. Results can still be collected.
    pub fn shutdown(&self) {
        if let Backend::Processes(client) = &self.backend {
            client.shut_down(client.settings.shutdown_timeout);
        }
    }
}

/// A region, and what its supervisor is to be told and given.
fn furnish(settings: &Settings, faults: bool) -> Result<(Region, Arc<OwnedFd>, Hello, Vec<OwnedFd>)> {
    let geometry =
        Geometry { slots: settings.slots, workers: settings.workers, window: settings.payload_limit };
    let (region, file) = map::make(geometry)?;
    let hello = life::hello(region.geometry(), settings, faults)?;
    let kept = life::copies(&hello.keep_fds)?;
    Ok((region, file, hello, kept))
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("workers", &self.workers())
            .field("start_method", &self.start_method())
            .finish_non_exhaustive()
    }
}

fn living() -> std::sync::MutexGuard<'static, Vec<Weak<Client>>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(client: &Arc<Client>) {
    let mut living = living();
    living.retain(|weak| weak.strong_count() > 0);
    living.push(Arc::downgrade(client));
    // Without it the pool ends with its client all the same, a moment later.
    let _ = AT_EXIT.register();
}

/// A program that ends leaves no process that holds its output open.
extern "C" fn stop_all() {
    if ready::in_worker() {
        return;
    }
    // Another thread may be inside; it is about to end as well.
    let Ok(living) = LIVING.try_lock() else { return };
    living.iter().filter_map(Weak::upgrade).for_each(|client| client.stop());
    template::end();
}

/// Where a pool's calls run.
pub(crate) enum Place<'b> {
    Workers(&'b Arc<Client>),
    /// In this process; `asked_for` by whoever set the variable.
    Here {
        asked_for: bool,
    },
}

impl Backend {
    /// Where a call that is made now runs: a worker runs its own calls itself, whatever pool it
    /// inherited.
    pub(crate) fn place(&self) -> Place<'_> {
        match self {
            Backend::Inline { asked_for, .. } => Place::Here { asked_for: *asked_for },
            Backend::Processes(_) if ready::in_worker() => Place::Here { asked_for: false },
            Backend::Processes(client) => Place::Workers(client),
        }
    }

    /// Whether a call may run in this process where [`place`](Backend::place) says so.
    ///
    /// # Errors
    /// `Refused` for a sandboxed pool that a worker inherited.
    pub(crate) fn allow_here(&self) -> Result<()> {
        match self {
            Backend::Inline { .. } => Ok(()),
            Backend::Processes(client) => client.settings.allow_here(IN_WORKER),
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
