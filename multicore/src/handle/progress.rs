//! How far a call has come, as its handle tells it.

use serde::{Deserialize, Serialize};

use crate::handle::abort::AbortOnDrop;
use crate::handle::{Handle, Source};
use crate::shm::steps::Sight;

/// What a call said last by [`multicore::progress`](crate::progress()).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// How much is done.
    pub done: u64,
    /// Of how much; 0 where that is unknown.
    pub total: u64,
    /// What it is at; empty if it does not say.
    pub message: String,
}

impl Progress {
    /// The part that is done, from 0.0 to 1.0; 0.0 where the total is unknown.
    pub fn fraction(&self) -> f64 {
        if self.total == 0 { 0.0 } else { (self.done as f64 / self.total as f64).min(1.0) }
    }
}

impl From<Sight> for Progress {
    fn from(sight: Sight) -> Progress {
        let Sight { done, total, message } = sight;
        Progress { done, total, message: message.unwrap_or_default() }
    }
}

impl<R> Handle<R> {
    /// What the call said last by [`multicore::progress`](crate::progress()); `None` before its first report, for a
    /// call that ran in the thread that made it, and very seldom of one that does nothing but report.
    ///
    /// Of a call that is finished it is its last word, as long as its worker has reported nothing of a later call
    /// and lives; a [`Job`](crate::Job) keeps it. A call that is [run again](crate::Call::retries) begins anew. In a
    /// sandboxed pool it is what the supervisor saw at its last look: asking brings the next look about.
    ///
    /// Some tens of nanoseconds, or one kernel call in a sandboxed pool; never blocks.
    pub fn progress(&self) -> Option<Progress> {
        match &self.source {
            Source::Pending(pending) => pending.progress(),
            Source::Here(_) | Source::Taken => None,
        }
    }
}

impl<R: 'static> AbortOnDrop<R> {
    /// As [`Handle::progress`].
    pub fn progress(&self) -> Option<Progress> {
        self.handle().progress()
    }
}
