//! Work in the background: started by one, found by another, collected by a third.
//!
//! ```text
//! Job<R> ─┐
//! AnyJob ─┼─▶ Life ──▶ Journal (processes/client/journal.rs) ──▶ slot, or kept outcomes
//! shelf  ─┘
//! ```

pub(crate) mod any;
pub(crate) mod id;
pub(crate) mod life;
pub(crate) mod look;
mod shelf;
#[cfg(threads)]
pub(crate) mod thread;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::handle::pending::Pending;
use crate::handle::progress::Progress;
#[cfg(processes)]
use crate::handle::sent::Sent;
use crate::job::id::JobId;
#[cfg(processes)]
use crate::job::life::OnItsWay;
use crate::job::life::{Here, Life, Living, Way};
use crate::job::look::{JobState, Timestamps};
#[cfg(threads)]
use crate::job::thread::OnThread;
use crate::pool::{Place, Pool, default};
use crate::registry::Entry;

/// A call in the background: from [`Call::background`].
///
/// It runs whether anybody holds this or not, and [`find`](crate::find) finds it by its [ID](Job::id). Copies are
/// the same job. Its result is there once: whoever [takes](Job::take) it first has it. A result that nobody
/// collects is dropped after [`Config::keep_results`](crate::Config::keep_results), and the job is forgotten then,
/// but by those who hold it.
///
/// A job keeps its pool's memory, and not its processes: when the pool ends, jobs that are not finished within
/// [`Config::shutdown_timeout`](crate::Config::shutdown_timeout) have failed as [`Error::Closed`]. In a fork of this
/// process every job has failed like that.
///
/// ```
/// use multicore::JobState;
///
/// #[multicore::task]
/// fn report(pages: u64) -> u64 {
///     (1..=pages).inspect(|page| multicore::progress(*page, pages, "rendering")).sum()
/// }
///
/// let job = report::call(12).background()?;
/// assert_eq!(job.wait(), JobState::Done);
/// assert_eq!(job.progress().map(|progress| progress.fraction()), Some(1.0));
/// assert_eq!(job.take().expect("nobody else has taken it")?, 78);
/// assert!(job.take().is_none());
/// # Ok::<(), multicore::Error>(())
/// ```
pub struct Job<R> {
    life: Arc<Life<R>>,
}

impl<R: Send + 'static> Call<'_, R> {
    /// Sends the call to the default pool as a job, and does not wait for its result; for room it waits as
    /// [`Pool::background`] does.
    ///
    /// # Errors
    /// As [`Pool::background`]; and what opening the default pool may give.
    pub fn background(self) -> Result<Job<R>> {
        default::pool()?.background(self)
    }
}

impl Pool {
    /// Sends a call to this pool as a job, and does not wait for its result: somebody collects it some time, or
    /// nobody does.
    ///
    /// Waits while three quarters of the pool's slots are jobs that are queued or running: the last quarter is
    /// for calls that somebody waits for. Where calls run in the thread that makes them, it
    /// runs right now.
    ///
    /// # Errors
    /// As [`Pool::spawn`].
    pub fn background<R: Send + 'static>(&self, mut call: Call<'_, R>) -> Result<Job<R>> {
        call.rank.background = true;
        let (task, queued) = (call.name(), SystemTime::now());
        let way = match self.engine.place() {
            #[cfg(processes)]
            Place::Workers(client) => {
                let (sent, journal) = Sent::send_background(client, &call)?;
                Way::Sent(OnItsWay { client: client.clone(), sent, journal })
            }
            #[cfg(threads)]
            Place::Threads(_) => return self.spawn(call).map(Handle::into_job),
            Place::Here { .. } => match self.spawn(call)?.into_result() {
                Some(result) => ran_here(result, Some(queued)),
                None => return Err(Error::Closed),
            },
        };
        Ok(Job::begin(task, queued, way))
    }
}

impl<R: Send + 'static> Handle<R> {
    /// Gives the call an ID to be found by: from now on its result waits for whoever collects it first.
    ///
    /// It stays in the queue where it is, and begins and ends without anybody taking down when; a call that is
    /// sent by [`Call::background`] comes after those that somebody waits for.
    pub fn into_job(self) -> Job<R> {
        let (task, queued) = (self.entry.map_or("", Entry::name), SystemTime::now());
        let way = match self.into_parts() {
            #[cfg(processes)]
            Ok(Pending::Worker { client, sent, .. }) => {
                let journal = client.open_journal(sent.ticket);
                Way::Sent(OnItsWay { client, sent, journal })
            }
            #[cfg(threads)]
            Ok(Pending::Thread(claim)) => Way::Thread(OnThread(claim)),
            Err(result) => ran_here(result, None),
        };
        Job::begin(task, queued, way)
    }
}

fn ran_here<R>(result: Result<R>, since: Option<SystemTime>) -> Way<R> {
    let state = match &result {
        Ok(_) => JobState::Done,
        Err(_) => JobState::Failed,
    };
    let times = since.map(|since| [since, SystemTime::now()]);
    Way::Here(Box::new(Here { result: Mutex::new(Some(result)), state, times, finished: Instant::now() }))
}

impl<R: Send + 'static> Job<R> {
    fn begin(task: &'static str, queued: SystemTime, way: Way<R>) -> Job<R> {
        let life = Arc::new(Life { id: JobId::new(), task, queued, way });
        shelf::put(life.clone());
        Job { life }
    }

    /// By which [`find`](crate::find) finds it.
    pub fn id(&self) -> JobId {
        self.life.id
    }

    /// The task's name.
    pub fn task(&self) -> &'static str {
        self.life.task
    }

    /// How far it has come. Never blocks; some hundred nanoseconds.
    pub fn state(&self) -> JobState {
        self.life.look().state
    }

    /// When it was queued, began and ended.
    pub fn timestamps(&self) -> Timestamps {
        self.life.look().timestamps
    }

    /// What it said last by [`multicore::progress`](crate::progress()), as [`Handle::progress`] tells it. Of a job
    /// that is finished it stays, but for the message where its worker has reported on another call before
    /// anybody asked: then that is the last one that was seen.
    pub fn progress(&self) -> Option<Progress> {
        self.life.look().progress
    }

    /// Ends it, as [`Handle::cancel`] does; returns at once.
    pub fn cancel(&self) {
        self.life.cancel();
    }

    /// Waits until it is finished.
    pub fn wait(&self) -> JobState {
        self.life.wait(None);
        self.state()
    }

    /// Waits until it is finished, at most this long; how far it has come then.
    pub fn wait_timeout(&self, timeout: Duration) -> JobState {
        self.life.wait(Instant::now().checked_add(timeout));
        self.state()
    }

    /// Takes the result, if it is there and nobody has taken it. Never waits for the job.
    ///
    /// # Errors
    /// Within `Some`, as [`Handle::get`].
    pub fn take(&self) -> Option<Result<R>> {
        self.life.take()
    }

    /// Waits for the result and takes it; `None` where somebody else has taken it, or it was dropped because
    /// nobody did for [too long](crate::Config::keep_results).
    ///
    /// # Errors
    /// Within `Some`, as [`Handle::get`].
    pub fn get(&self) -> Option<Result<R>> {
        self.life.wait(None);
        self.life.take()
    }
}

impl<R> Clone for Job<R> {
    fn clone(&self) -> Job<R> {
        Job { life: self.life.clone() }
    }
}

impl<R: Send + 'static> fmt::Debug for Job<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id())
            .field("task", &self.task())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
