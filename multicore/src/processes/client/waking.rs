//! The waker thread: one for all pools of the process, from the first await that has to wait until nothing was
//! awaited for a second.
//!
//! It sleeps on the bells of the pools in which calls are awaited, and on one of its own that says that there is
//! another such pool; and where slots are awaited, on what others sleep on who wait for one ([`room`](super::room)).
//! While anything is awaited it looks around ten times a second as every waiter does: it goes on
//! [patrol](super::patrol), and looks through all that is awaited. It runs no user code but wakers, and gets no
//! signals. It ends because [`initialize`](crate::initialize) is refused where there are other threads; what is
//! awaited next starts another one.
//!
//! A fork of the process has no such thread, no pool that is served, and starts one of its own when it needs it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::processes::client::Client;
use crate::processes::client::patrol::ROUND;
use crate::processes::client::room::FIRST;
use crate::processes::worker::{low_half, wake_watcher};
use crate::sys::futex::{self, Wait};
use crate::sys::futexes::{self, Calm};
use crate::sys::per_process::PerProcess;
use crate::sys::signals;

/// How long it stays with nothing to do: a thread is not to be started for each of many awaits.
const LINGER: Duration = Duration::from_secs(1);
/// It may have to start a supervisor, and wakers are not ours.
const STACK: usize = 512 << 10;
/// As long as the kernel lets a name be.
const NAME: &str = "multicore-waker";

static SERVED: PerProcess<Served> = PerProcess::new(Served::default);

#[derive(Default)]
struct Served {
    state: Mutex<State>,
    /// Moves when there is another pool to be served.
    bell: AtomicU32,
}

#[derive(Default)]
struct State {
    pools: Vec<Arc<Client>>,
    is_running: bool,
}

/// Has the thread look after this pool as well.
///
/// # Errors
/// `Os` when it cannot be started: too many threads, or no memory for its stack.
pub(super) fn serve(client: &Arc<Client>) -> Result<()> {
    let served = SERVED.get();
    let mut state = served.state();
    if !state.is_running {
        start(served)?;
        state.is_running = true;
    }
    served.ring(&state);
    state.pools.push(client.clone());
    Ok(())
}

/// Has the thread look at what it sleeps on.
pub(super) fn stir() {
    let served = SERVED.get();
    served.ring(&served.state());
}

fn start(served: &'static Served) -> Result<()> {
    let thread = thread::Builder::new().name(NAME.to_owned()).stack_size(STACK);
    let started = signals::blocked(|| thread.spawn(|| served.look_after_all()));
    started.map(drop).map_err(|error| Error::os("pthread_create", error))
}

/// Calls each of them; one that panics keeps nobody else from being called.
pub(super) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            // It may panic in its own destructor.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        }
    }
}

impl Served {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, state: &State) {
        self.bell.fetch_add(1, SeqCst);
        futex::wake(&self.bell, 1);
        // Where it can sleep on one word only, that is the first pool's.
        if let Some(first) = state.pools.first() {
            first.region.watch().ring();
            wake_watcher(&first.region);
        }
    }

    fn look_after_all(&self) {
        let mut last_round = Instant::now();
        // How long those that await slots may be kept waiting for several of them.
        let mut patience = FIRST;
        loop {
            let seen = self.bell.load(SeqCst);
            let pools = self.state().pools.clone();
            if pools.is_empty() {
                match futex::wait(&self.bell, seen, Some(LINGER)) {
                    Wait::TimedOut if self.ends() => return,
                    _ => continue,
                }
            }
            let mut wakers = Vec::new();
            let is_round = last_round.elapsed() >= ROUND;
            for pool in &pools {
                pool.patrol();
                pool.hear(&mut wakers);
                patience = if pool.call_up(&mut wakers) { FIRST } else { patience };
                if is_round {
                    pool.look_through(&mut wakers);
                }
            }
            wake(wakers);
            if is_round {
                last_round = Instant::now();
                self.state().pools.retain(|pool| !pool.is_left_alone());
                continue;
            }
            let until_round = ROUND.saturating_sub(last_round.elapsed());
            if sleep(&pools, (&self.bell, seen), until_round, patience) {
                patience = ROUND.min(patience * 2);
            }
        }
    }

    /// Whether there is still nothing to do, so that the thread ends.
    fn ends(&self) -> bool {
        let mut state = self.state();
        state.is_running = !state.pools.is_empty();
        !state.is_running
    }
}

/// Sleeps until there is something to do in one of the pools, or another pool, or the time is up; or, where slots
/// are awaited, so much of it. Whether it slept so.
fn sleep(pools: &[Arc<Client>], own: Calm<'_>, until_round: Duration, patience: Duration) -> bool {
    let mut words = Vec::with_capacity(2 * pools.len() + 1);
    for pool in pools {
        let Some(calm) = pool.region.watch().rest() else { return false };
        words.push((low_half(&pool.region.head().bell.0), calm));
    }
    let lines: Vec<_> = pools.iter().filter(|pool| pool.is_awaited_for_room()).collect();
    words.extend(
        lines.iter().map(|pool| (&pool.region.head().progress.0, pool.doze_off(pool.enough() as i64))),
    );
    words.push(own);
    let timeout = if lines.is_empty() { until_round } else { until_round.min(patience) };
    futexes::wait_for_any(&words, timeout);
    lines.iter().for_each(|pool| pool.wake_up());
    !lines.is_empty()
}
