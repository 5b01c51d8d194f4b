//! Jobs of any result, as they are found.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::handle::progress::Progress;
use crate::job::id::JobId;
use crate::job::life::{Life, Living};
use crate::job::look::{JobState, Timestamps};
use crate::job::{Job, shelf};

/// A [`Job`] whose result is of a type that is still to be [said](AnyJob::downcast).
#[derive(Clone)]
pub struct AnyJob {
    life: Arc<dyn Living>,
}

/// The job with this ID, whoever started it and on whichever pool; `None` for one that there never was, whose
/// result has [waited too long](crate::Config::keep_results), or that a fork's parent started.
///
/// ```
/// #[multicore::task]
/// fn report(pages: u64) -> String {
///     format!("{pages} pages")
/// }
///
/// // One request starts it and answers with the ID,
/// let id = report::call(12).background()?.id();
///
/// // and a later one has nothing but that.
/// let job = multicore::find(id).expect("it is there for an hour");
/// println!("{}: {} {:?}", job.task(), job.state(), job.progress());
/// let job = job.downcast::<String>().expect("what `report` gives back");
/// assert_eq!(job.get().expect("nobody else takes it")?, "12 pages");
/// # Ok::<(), multicore::Error>(())
/// ```
pub fn find(id: JobId) -> Option<AnyJob> {
    shelf::find(id).map(|life| AnyJob { life })
}

/// All jobs that [`find`] finds, by the time that they were queued.
pub fn jobs() -> Vec<AnyJob> {
    let mut jobs: Vec<_> = shelf::all().into_iter().map(|life| AnyJob { life }).collect();
    jobs.sort_by_cached_key(|job| (job.timestamps().queued, job.id()));
    jobs
}

impl AnyJob {
    /// As [`Job::id`].
    pub fn id(&self) -> JobId {
        self.life.id()
    }

    /// As [`Job::task`].
    pub fn task(&self) -> &'static str {
        self.life.task()
    }

    /// As [`Job::state`].
    pub fn state(&self) -> JobState {
        self.life.look().state
    }

    /// As [`Job::timestamps`].
    pub fn timestamps(&self) -> Timestamps {
        self.life.look().timestamps
    }

    /// As [`Job::progress`].
    pub fn progress(&self) -> Option<Progress> {
        self.life.look().progress
    }

    /// As [`Job::cancel`].
    pub fn cancel(&self) {
        self.life.cancel();
    }

    /// As [`Job::wait`].
    pub fn wait(&self) -> JobState {
        self.life.wait(None);
        self.state()
    }

    /// As [`Job::wait_timeout`].
    pub fn wait_timeout(&self, timeout: Duration) -> JobState {
        self.life.wait(Instant::now().checked_add(timeout));
        self.state()
    }

    /// The job with its result, if that is what its task gives back.
    ///
    /// # Errors
    /// This itself, if it is not.
    pub fn downcast<R: Send + 'static>(self) -> Result<Job<R>, AnyJob> {
        match self.life.clone().into_any().downcast::<Life<R>>() {
            Ok(life) => Ok(Job { life }),
            Err(_) => Err(self),
        }
    }
}

impl<R: Send + 'static> From<Job<R>> for AnyJob {
    fn from(job: Job<R>) -> AnyJob {
        AnyJob { life: job.life }
    }
}

impl fmt::Debug for AnyJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyJob")
            .field("id", &self.id())
            .field("task", &self.task())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
