//! What a job looks like from outside.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::handle::progress::Progress;
#[cfg(processes)]
use crate::processes::client::journal::{Stage, Verdict};

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JobState {
    /// It waits for a worker; also again, before it is [run again](crate::Call::retries).
    Queued,
    /// A worker runs it.
    Running,
    /// It has a result. A task's own `Err` is a result as well.
    Done,
    /// It has none: the error says why.
    Failed,
    /// It was cancelled before it was done.
    Cancelled,
}

impl JobState {
    /// Whether nothing more will happen.
    pub fn is_finished(self) -> bool {
        !matches!(self, JobState::Queued | JobState::Running)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        })
    }
}

#[cfg(processes)]
impl From<Stage> for JobState {
    fn from(stage: Stage) -> JobState {
        match stage {
            Stage::Queued => JobState::Queued,
            Stage::Running => JobState::Running,
            Stage::Over(Verdict::Done) => JobState::Done,
            Stage::Over(Verdict::Failed) => JobState::Failed,
            Stage::Over(Verdict::Cancelled) => JobState::Cancelled,
        }
    }
}

/// When a job was made, began and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timestamps {
    /// When it was sent, or its handle made a job.
    pub queued: SystemTime,
    /// When a worker began it, the last time if it was run again. `None` before, and for a handle made a job,
    /// whose worker does not take it down.
    pub started: Option<SystemTime>,
    /// When its worker was done with it, or was found dead; `None` before, likewise, and for a call that ended
    /// without a worker: cancelled while it was queued, or with its pool.
    pub finished: Option<SystemTime>,
}

/// All of it, at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) state: JobState,
    pub(crate) timestamps: Timestamps,
    pub(crate) progress: Option<Progress>,
}
