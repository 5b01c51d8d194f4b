//! The life of a pool as its client sees it: open, draining, closed, failed; and what happens when
//! the supervisor dies in between.

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::error::{Error, Exit, Result, Usage};
use crate::processes::client::Client;
use crate::processes::client::link::Link;
use crate::processes::client::template;
use crate::processes::control::{Hello, Order};
use crate::processes::repair::{self, Death};
use crate::processes::supervisor::RESTART_LIMIT;
use crate::registry::registry;
use crate::sys::process;

/// How far a pool's life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Standing {
    Open = 0,
    Draining = 1,
    Closed = 2,
    Failed = 3,
}

/// What only one thread at a time may touch.
pub(crate) struct Life {
    /// `None` once the pool is closed or failed.
    pub(crate) link: Option<Arc<Link>>,
    /// Why the pool failed.
    pub(crate) verdict: Option<Loss>,
    pub(crate) hello: Hello,
    /// Copies of the descriptors that workers keep, for the next supervisor.
    pub(crate) kept: Vec<OwnedFd>,
}

/// Why an outcome never came.
#[derive(Clone, Debug)]
pub(crate) enum Loss {
    /// The pool was shut down first.
    Closed,
    /// The caller did not want it any more.
    Cancelled,
    /// The word or the header says something that nobody here wrote.
    Garbled,
    GaveUp {
        times: u32,
        cause: String,
    },
    Registry {
        what: String,
    },
    Os {
        call: &'static str,
        errno: i32,
    },
}

impl Loss {
    pub(crate) fn into_error(self, task: &str) -> Error {
        match self {
            Loss::Closed => Error::Closed,
            Loss::Cancelled => Error::Cancelled { task: task.to_owned() },
            Loss::Garbled => Error::Died {
                task: task.to_owned(),
                pid: 0,
                exit: Exit::Unknown,
                started: true,
                message: Some("a worker wrote over the pool's memory; the pool was started anew".to_owned()),
                breadcrumb: None,
                usage: Usage::default(),
            },
            Loss::GaveUp { times, cause } => Error::RestartLimit { times, cause },
            Loss::Registry { what } => Error::Registry { what },
            Loss::Os { call, errno } => Error::os(call, std::io::Error::from_raw_os_error(errno)),
        }
    }

    fn of(error: Error) -> Loss {
        match error {
            Error::RestartLimit { times, cause } => Loss::GaveUp { times, cause },
            Error::Registry { what } => Loss::Registry { what },
            Error::Os { call, source } => {
                Loss::Os { call, errno: source.raw_os_error().unwrap_or(libc::EIO) }
            }
            other => Loss::GaveUp { times: 1, cause: other.to_string() },
        }
    }
}

/// How long workers may take to follow their supervisor.
const FOLLOW: Duration = Duration::from_secs(5);
/// How long a supervisor may take to end its workers, before the client does.
const STOP: Duration = Duration::from_secs(2);

impl Client {
    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stand(&self, standing: Standing) {
        self.standing.store(standing as u32, SeqCst);
    }

    /// Whether new calls are welcome.
    #[inline]
    pub(crate) fn check_standing(&self) -> Result<()> {
        match self.standing.load(Relaxed) {
            standing if standing == Standing::Open as u32 => Ok(()),
            standing if standing == Standing::Failed as u32 => {
                Err(self.life().verdict.clone().unwrap_or(Loss::Closed).into_error(""))
            }
            _ => Err(Error::Closed),
        }
    }

    /// Looks whether the supervisor lives, and does what is to be done when not.
    #[cold]
    pub(crate) fn look_after_supervisor(&self) {
        if !self.is_here() {
            // A fork of the client: supervisor, region and repairs are the parent's.
            return;
        }
        let mut life = match self.life.try_lock() {
            Ok(life) => life,
            Err(TryLockError::Poisoned(life)) => life.into_inner(),
            // Somebody else is at it.
            Err(TryLockError::WouldBlock) => return,
        };
        match &life.link {
            Some(link) if !link.has_ended() => {
                link.go_on_if_stopped();
                template::look_after();
            }
            Some(_) => self.recover(&mut life),
            // A call that slipped in while the pool ended.
            None => self.settle_all(&life.verdict.clone().unwrap_or(Loss::Closed)),
        }
    }

    /// Has the supervisor look at what runs.
    ///
    /// Waits for whoever has the lock: a word that is not sent is a call that is not ended.
    pub(crate) fn ask_supervisor_to_look(&self) {
        if let Some(link) = &self.life().link {
            link.tell(&Order::Look);
        }
    }

    /// Tells the supervisor what can wait until somebody tells it again.
    pub(in crate::processes) fn tell_supervisor(&self, order: &Order) {
        if let Ok(life) = self.life.try_lock()
            && let Some(link) = &life.link
        {
            link.tell(order);
        }
    }

    /// Has the supervisor run a call again so often at most.
    pub(in crate::processes) fn bound_in_supervisor(&self, slot: u32, generation: u32, most: u32) {
        if let Some(link) = &self.life().link {
            link.tell(&Order::Bound { slot, generation, most });
        }
    }

    /// A state that nobody here wrote: ends all processes; the next look starts new ones. Not when it is
    /// `over`, because another thread met the same and was faster.
    #[cold]
    pub(crate) fn poison(&self, over: impl Fn() -> bool) {
        let life = self.life();
        if over() {
            return;
        }
        if let Some(link) = &life.link {
            // Ended in order, it leaves none of those behind who may go on writing.
            self.end(link);
        }
        drop(life);
        self.look_after_supervisor();
    }

    /// The supervisor is dead. Not begun: runs under the next one. Begun: `Died`.
    fn recover(&self, life: &mut Life) {
        let Some(link) = life.link.take() else { return };
        let word = link.last_word(life.hello.digest);
        link.wait_for_workers(FOLLOW);
        if self.standing.load(SeqCst) != Standing::Open as u32 {
            return self.close(life);
        }
        if let Some(error) = word {
            return self.fail(life, error);
        }
        self.settle_impossible();
        for worker in 0..self.settings.workers {
            repair::after_death(&self.region, &Death::unseen(&self.region, worker as u16));
        }
        let shared = self.shares.telling.hand_over();
        life.hello.shares = shared.len();
        match Link::restart(
            self.method,
            &self.settings,
            &self.file,
            self.bell.as_ref(),
            &life.hello,
            &life.kept,
        ) {
            Ok(link) => {
                self.outcomes.counts().supervisors += 1;
                link.hand_over(&shared);
                // What the last one was to give back once nobody uses it.
                link.tell(&Order::Warm);
                let link = Arc::new(link);
                self.shares.telling.attach(Some(link.clone()));
                life.link = Some(link);
            }
            Err(error) => {
                let error = Error::RestartLimit { times: RESTART_LIMIT, cause: error.to_string() };
                self.fail(life, error);
            }
        }
    }

    fn fail(&self, life: &mut Life, error: Error) {
        let loss = Loss::of(error);
        life.verdict = Some(loss.clone());
        self.stand(Standing::Failed);
        self.settle_all(&loss);
    }

    fn close(&self, life: &mut Life) {
        life.link = None;
        self.shares.telling.attach(None);
        life.kept.clear();
        if self.standing.load(SeqCst) != Standing::Failed as u32 {
            self.stand(Standing::Closed);
        }
        self.settle_all(&life.verdict.clone().unwrap_or(Loss::Closed));
        self.let_go_of_shares();
    }

    /// Finishes accepted calls, refuses new ones, ends every process; what is left when the time is
    /// up is `Closed` to its caller.
    pub(crate) fn shut_down(&self, timeout: Duration) {
        if !self.is_here() {
            return;
        }
        let life = self.life();
        if let Some(link) = life.link.clone() {
            self.stand(Standing::Draining);
            link.tell(&Order::Drain);
            // Others may cancel calls meanwhile.
            drop(life);
            if !link.wait(timeout) {
                self.end(&link);
            }
            // Long gone, unless somebody killed the supervisor.
            link.wait_for_workers(FOLLOW);
        } else {
            drop(life);
        }
        self.close(&mut self.life());
    }

    /// Ends every process now.
    pub(crate) fn stop(&self) {
        if !self.is_here() {
            return;
        }
        // At exit another thread may hold the lock for good.
        let Ok(mut life) = self.life.try_lock() else { return };
        if let Some(link) = &life.link {
            self.stand(Standing::Closed);
            self.end(link);
            link.wait_for_workers(FOLLOW);
        }
        self.close(&mut life);
    }

    fn end(&self, link: &Link) {
        link.tell(&Order::Stop);
        if !link.wait(STOP) {
            link.kill();
            link.wait(STOP);
        }
    }
}

/// What the client tells every supervisor of a pool.
pub(crate) fn hello(
    geometry: crate::shm::layout::Geometry,
    settings: &crate::config::Settings,
    faults: bool,
) -> Result<Hello> {
    let name = std::env::current_exe().ok();
    let name = name.as_deref().and_then(std::path::Path::file_name).map(|n| n.to_string_lossy().into_owned());
    Ok(Hello {
        geometry,
        digest: registry()?.digest(),
        grace: settings.grace,
        name: name.unwrap_or_else(|| "multicore".to_owned()),
        limits: settings.limits.clone().with_data_of_cgroup(),
        sandbox: settings.sandbox.clone(),
        patience: settings.patience,
        faults,
        keep_fds: settings.keep_fds.clone(),
        shares: 0,
    })
}

/// The most descriptors that workers keep.
const MOST_KEPT: usize = 32;

/// Copies of the descriptors that workers are to keep.
///
/// # Errors
/// `Config` when one is not open or there are too many.
pub(crate) fn copies(numbers: &[i32]) -> Result<Vec<OwnedFd>> {
    if numbers.len() > MOST_KEPT {
        return Err(Error::config("keep_fds", format!("{} are more than {MOST_KEPT}", numbers.len())));
    }
    let copy = |number: &i32| {
        process::copy(*number)
            .map_err(|error| Error::config("keep_fds", format!("{number} cannot be kept: {error}")))
    };
    numbers.iter().map(copy).collect()
}
