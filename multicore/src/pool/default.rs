//! The process-wide default pool: opened at first use or by `initialize()`.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::{Engine, Pool, in_worker};
use crate::config::{Config, Settings};
use crate::error::{Error, Result};
use crate::load;
use crate::sys::fork_guard::{self, Token};

enum State {
    Unopened,
    Open(Arc<Pool>),
    Closed,
}

struct Default {
    state: RwLock<State>,
    made_in: Token,
}

/// One for the process that first asked; a forked child makes its own, because the parent's lock may
/// be held by a thread that the child does not have.
static FIRST: OnceLock<Default> = OnceLock::new();
static IN_FORK: OnceLock<Default> = OnceLock::new();

impl Default {
    fn new() -> Default {
        Default { state: RwLock::new(State::Unopened), made_in: fork_guard::token() }
    }
}

fn default() -> Result<&'static Default> {
    let first = FIRST.get_or_init(Default::new);
    if !fork_guard::in_forked_child(first.made_in) {
        return Ok(first);
    }
    let own = IN_FORK.get_or_init(Default::new);
    if !fork_guard::in_forked_child(own.made_in) { Ok(own) } else { Err(Error::Closed) }
}

/// The default pool, opened if need be.
pub(crate) fn pool() -> Result<Arc<Pool>> {
    if in_worker() {
        static INLINE: OnceLock<Arc<Pool>> = OnceLock::new();
        let inline = || Arc::new(Pool { engine: Engine::Inline { asked_for: false, workers: 1 } });
        return Ok(INLINE.get_or_init(inline).clone());
    }
    let default = default()?;
    {
        let state = default.state.read().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(pool) => return Ok(pool.clone()),
            State::Closed => return Err(Error::Closed),
            State::Unopened => {}
        }
    }
    let mut state = default.state.write().unwrap_or_else(PoisonError::into_inner);
    match &*state {
        State::Open(pool) => Ok(pool.clone()),
        State::Closed => Err(Error::Closed),
        State::Unopened => open(&mut state, Config::new().settle()?, false),
    }
}

fn open(state: &mut State, settings: Settings, initializes: bool) -> Result<Arc<Pool>> {
    load::set_process_wide(settings.max_load_average);
    let pool = Arc::new(Pool::open(settings, initializes)?);
    *state = State::Open(pool.clone());
    Ok(pool)
}

/// The default pool, if it is open.
pub(crate) fn opened() -> Option<Arc<Pool>> {
    if in_worker() {
        return None;
    }
    match &*default().ok()?.state.read().unwrap_or_else(PoisonError::into_inner) {
        State::Open(pool) => Some(pool.clone()),
        State::Unopened | State::Closed => None,
    }
}

/// How many workers the default pool has or would have.
pub(crate) fn workers() -> usize {
    if in_worker() {
        return 1;
    }
    opened()
        .map_or_else(|| Config::new().settle().map_or(1, |settings| settings.workers), |pool| pool.workers())
}

/// Whether the default pool's calls must never run in this process; only code can make one so.
pub(crate) fn isolates() -> bool {
    opened().is_some_and(|pool| pool.isolates())
}

/// Opens the default pool with the options of the environment; forks its processes from this one as
/// it is now. As [`initialize_with`]`(Config::new())`. With `MULTICORE_START=exec` nothing is forked, and the number of
/// threads does not matter.
///
/// Call it first thing in `main`, once the statics that workers should see are loaded; or annotate
/// `main` with [`#[multicore::main]`](crate::main). A program that never calls it needs nothing: its
/// pool opens at first use, and workers see a fresh program ([`Start::Exec`](crate::Start::Exec)).
///
/// # Errors
/// `Threads` when this process has more threads than one; `Closed` in a fork of a fork; `Config`, `Os`, `Registry`,
/// `RestartLimit`, `Refused` as of [`Config::build`].
pub fn initialize() -> Result<()> {
    initialize_with(Config::new())
}

/// Opens the default pool with these options. Nothing happens when it is open already, nor inside a worker.
///
/// # Errors
/// As [`initialize`]; with [`Start::Exec`](crate::Start::Exec) the number of threads does not matter.
pub fn initialize_with(config: Config) -> Result<()> {
    if in_worker() {
        return Ok(());
    }
    let default = default()?;
    let mut state = default.state.write().unwrap_or_else(PoisonError::into_inner);
    if let State::Open(_) = &*state {
        return Ok(());
    }
    let settings = config.settle()?;
    open(&mut state, settings, true).map(drop)
}

/// Finishes the accepted calls of the default pool, within [`Config::shutdown_timeout`], and ends its
/// processes. From then on the default pool is [`Error::Closed`] until [`initialize`] opens it again.
pub fn shutdown() {
    let Ok(default) = default() else { return };
    let mut state = default.state.write().unwrap_or_else(PoisonError::into_inner);
    if let State::Open(pool) = std::mem::replace(&mut *state, State::Closed) {
        drop(state);
        pool.shutdown();
    }
}
