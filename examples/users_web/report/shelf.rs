//! Where reports are found by their IDs, until others take their place.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use multicore::{Job, JobId, JobState, Pool, TextError};

use crate::report::task::{Report, report};
use crate::trouble::Trouble;

/// The most reports that are kept, and the most that are queued or running.
const KEPT: usize = 200;
const UNDER_WAY: usize = 20;

#[derive(Default)]
pub(crate) struct Shelf {
    /// The latest last.
    kept: Mutex<VecDeque<Arc<Kept>>>,
}

pub(crate) struct Kept {
    pub(crate) job: Job<Result<Report, TextError>>,
    /// A job gives its result once, and a page shows it as often as it is asked.
    outcome: Mutex<Option<Arc<Outcome>>>,
}

pub(crate) enum Outcome {
    Written(Report),
    Cancelled,
    /// Its worker died twice, the server was told to end, the database said no: in words.
    Failed(String),
}

impl Shelf {
    /// Begins a report in the background.
    pub(crate) fn begin(&self, pool: &Pool, rounds: u32) -> Result<JobId, Trouble> {
        let mut kept = lock(&self.kept);
        if kept.iter().filter(|report| !report.job.state().is_finished()).count() >= UNDER_WAY {
            return Err(Trouble::busy(format!(
                "{UNDER_WAY} reports are under way already; try again a little later."
            )));
        }
        let job = pool.background(report::call(rounds))?;
        let id = job.id();
        kept.push_back(Arc::new(Kept { job, outcome: Mutex::default() }));
        while kept.len() > KEPT {
            let Some(oldest) = kept.iter().position(|report| report.job.state().is_finished()) else { break };
            kept.remove(oldest);
        }
        Ok(id)
    }

    pub(crate) fn find(&self, id: JobId) -> Option<Arc<Kept>> {
        lock(&self.kept).iter().find(|report| report.job.id() == id).cloned()
    }

    /// For the end of the server: what has not begun does not begin.
    pub(crate) fn cancel_queued(&self) {
        let queued = |report: &&Arc<Kept>| report.job.state() == JobState::Queued;
        lock(&self.kept).iter().filter(queued).for_each(|report| report.job.cancel());
    }

    /// The latest first.
    pub(crate) fn all(&self) -> Vec<Arc<Kept>> {
        lock(&self.kept).iter().rev().cloned().collect()
    }
}

impl Kept {
    /// What became of it; `None` before that is known.
    pub(crate) fn outcome(&self) -> Option<Arc<Outcome>> {
        let mut outcome = lock(&self.outcome);
        if outcome.is_none() && self.job.state().is_finished() {
            *outcome = Some(Arc::new(match self.job.take() {
                Some(Ok(Ok(report))) => Outcome::Written(report),
                Some(Ok(Err(error))) => Outcome::Failed(error.to_string()),
                Some(Err(multicore::Error::Cancelled { .. })) => Outcome::Cancelled,
                Some(Err(error)) => Outcome::Failed(error.to_string()),
                None => Outcome::Failed("nobody has asked for it in time".to_owned()),
            }));
        }
        outcome.clone()
    }

    pub(crate) fn state(&self) -> JobState {
        self.job.state()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
