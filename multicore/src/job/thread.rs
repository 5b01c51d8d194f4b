//! A job on a thread of this process.

use std::time::{Instant, SystemTime};

use crate::error::{Error, Result};
use crate::handle::progress::Progress;
use crate::job::look::JobState;
use crate::shm::layout::Verdict;
use crate::threads::claim::Claim;

pub(crate) struct OnThread<R>(pub(crate) Claim<R>);

impl<R> OnThread<R> {
    pub(super) fn look(&self) -> (JobState, Option<[Option<SystemTime>; 2]>, Option<Progress>) {
        if !self.0.desk().is_here() {
            // A thread of the parent's may hold what it is asked of.
            return (JobState::Failed, None, None);
        }
        let (started, ended) = self.0.times();
        let state = match (started, ended.map(|ended| ended.verdict)) {
            (None, None) => JobState::Queued,
            (Some(_), None) => JobState::Running,
            (_, Some(None)) => JobState::Done,
            (_, Some(Some(Verdict::Cancelled))) => JobState::Cancelled,
            (_, Some(Some(_))) => JobState::Failed,
        };
        (state, Some([started, ended.map(|ended| ended.time)]), self.0.progress())
    }

    pub(super) fn cancel(&self) {
        self.0.cancel();
    }

    pub(super) fn wait(&self, until: Option<Instant>) {
        self.0.wait(until);
    }

    /// Drops a result that nobody has collected in time; whether the job is to be forgotten.
    pub(super) fn drop_if_over(&self) -> bool {
        if !self.0.desk().is_here() {
            return true;
        }
        let over = self.0.times().1.is_some_and(|ended| ended.since.elapsed() >= self.0.desk().keep);
        if over {
            self.0.throw_away();
        }
        over
    }

    pub(super) fn take(&self) -> Option<Result<R>> {
        if self.0.desk().is_here() { self.0.collect_once() } else { Some(Err(Error::Closed)) }
    }
}
