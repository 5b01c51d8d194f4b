//! One job, whatever its result: a call on its way, or one that this process ran itself.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(processes)]
use std::time::Duration;
use std::time::{Instant, SystemTime};

use crate::config::KEEP_RESULTS;
#[cfg(processes)]
use crate::error::Error;
use crate::error::Result;
#[cfg(processes)]
use crate::handle::progress::Progress;
#[cfg(processes)]
use crate::handle::sent::Sent;
use crate::job::id::JobId;
use crate::job::look::{JobState, Look, Timestamps};
#[cfg(threads)]
use crate::job::thread::OnThread;
#[cfg(processes)]
use crate::processes::client::Client;
#[cfg(processes)]
use crate::processes::client::journal::{Journal, Stage};

/// One job.
pub(crate) struct Life<R> {
    pub(crate) id: JobId,
    pub(crate) task: &'static str,
    pub(crate) queued: SystemTime,
    pub(crate) way: Way<R>,
}

pub(crate) enum Way<R> {
    /// This process ran it.
    Here(Box<Here<R>>),
    #[cfg(processes)]
    Sent(OnItsWay<R>),
    #[cfg(threads)]
    Thread(OnThread<R>),
}

/// A call that this process ran.
pub(crate) struct Here<R> {
    pub(crate) result: Mutex<Option<Result<R>>>,
    pub(crate) state: JobState,
    pub(crate) times: Option<[SystemTime; 2]>,
    pub(crate) finished: Instant,
}

#[cfg(processes)]
pub(crate) struct OnItsWay<R> {
    pub(crate) client: Arc<Client>,
    pub(crate) sent: Sent<R>,
    pub(crate) journal: Arc<Journal>,
}

/// What can be done with a job without knowing its result.
pub(crate) trait Living: Send + Sync {
    fn id(&self) -> JobId;
    fn task(&self) -> &'static str;
    fn look(&self) -> Look;
    fn cancel(&self);
    /// Waits until it is over, or until the moment.
    fn wait(&self, until: Option<Instant>);
    /// Drops a result that nobody has collected in time; whether the job is to be forgotten.
    fn drop_if_over(&self) -> bool;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<R: Send + 'static> Living for Life<R> {
    fn id(&self) -> JobId {
        self.id
    }

    fn task(&self) -> &'static str {
        self.task
    }

    fn look(&self) -> Look {
        let (state, times, progress) = match &self.way {
            Way::Here(here) => (here.state, here.times.map(|times| times.map(Some)), None),
            // Its journal is the parent's, and a thread of that one may hold it.
            #[cfg(processes)]
            Way::Sent(sent) if !sent.client.is_here() => (JobState::Failed, None, None),
            #[cfg(processes)]
            Way::Sent(sent) => sent.look(),
            #[cfg(threads)]
            Way::Thread(thread) => thread.look(),
        };
        let [started, finished] = times.unwrap_or_default();
        Look { state, timestamps: Timestamps { queued: self.queued, started, finished }, progress }
    }

    fn cancel(&self) {
        match &self.way {
            Way::Here(_) => {}
            #[cfg(processes)]
            Way::Sent(sent) => sent.client.cancel(sent.sent.ticket),
            #[cfg(threads)]
            Way::Thread(thread) => thread.cancel(),
        }
    }

    fn wait(&self, until: Option<Instant>) {
        match &self.way {
            Way::Here(_) => {}
            #[cfg(processes)]
            Way::Sent(sent) => drop(sent.client.wait(sent.sent.ticket, until)),
            #[cfg(threads)]
            Way::Thread(thread) => thread.wait(until),
        }
    }

    fn drop_if_over(&self) -> bool {
        match &self.way {
            Way::Here(here) => {
                let over = here.finished.elapsed() >= KEEP_RESULTS;
                if over {
                    drop(here.take());
                }
                over
            }
            #[cfg(processes)]
            Way::Sent(sent) => sent.drop_if_over(sent.client.settings.keep_results),
            #[cfg(threads)]
            Way::Thread(thread) => thread.drop_if_over(),
        }
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<R: 'static> Life<R> {
    /// Takes the result, if it is there and nobody has.
    pub(crate) fn take(&self) -> Option<Result<R>> {
        match &self.way {
            Way::Here(here) => here.take(),
            #[cfg(processes)]
            Way::Sent(sent) => sent.take(),
            #[cfg(threads)]
            Way::Thread(thread) => thread.take(),
        }
    }
}

impl<R> Here<R> {
    fn take(&self) -> Option<Result<R>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(processes)]
impl<R> OnItsWay<R> {
    fn look(&self) -> (JobState, Option<[Option<SystemTime>; 2]>, Option<Progress>) {
        let (stage, page) = self.client.read_journal(&self.journal);
        if stage == Stage::Running {
            self.client.ask_for_look();
        }
        let times = [page.started, page.finished].map(|moment| moment.map(|moment| moment.time));
        (stage.into(), Some(times), page.last.map(Progress::from))
    }

    fn drop_if_over(&self, keep: Duration) -> bool {
        !self.client.is_here() || self.client.drop_if_over(&self.journal, keep)
    }

    fn take(&self) -> Option<Result<R>> {
        if !self.client.is_here() {
            return Some(Err(Error::Closed));
        }
        if !self.client.is_settled_or_looked_after(self.sent.ticket) {
            return None;
        }
        // What became of it, as long as it can be seen.
        self.client.read_journal(&self.journal);
        self.client.claim_result(&self.journal).then(|| self.sent.collect(&self.client))
    }
}
