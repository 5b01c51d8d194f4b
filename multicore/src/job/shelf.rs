//! Where jobs are found by their IDs.
//!
//! A job stands here from its beginning until its result has waited for as long as it may, whoever holds it
//! besides. No thread looks after that: whoever uses the shelf does. A fork of this process has a shelf of its
//! own, because the parent's jobs, and maybe its lock, are not the child's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::job::id::JobId;
use crate::job::life::Living;
use crate::sys::fork_guard::{self, Token};

/// From one look at all jobs to the next.
const EACH: Duration = Duration::from_secs(1);

pub(crate) struct Shelf {
    jobs: Mutex<Jobs>,
    made_in: Token,
}

#[derive(Default)]
struct Jobs {
    by_id: HashMap<JobId, Arc<dyn Living>>,
    looked: Option<Instant>,
}

static FIRST: OnceLock<Shelf> = OnceLock::new();
static IN_FORK: OnceLock<Shelf> = OnceLock::new();

impl Shelf {
    fn new() -> Shelf {
        Shelf { jobs: Mutex::default(), made_in: fork_guard::token() }
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// This process's shelf; a fork of a fork has none.
fn shelf() -> Option<&'static Shelf> {
    let first = FIRST.get_or_init(Shelf::new);
    if !fork_guard::in_forked_child(first.made_in) {
        return Some(first);
    }
    let own = IN_FORK.get_or_init(Shelf::new);
    (!fork_guard::in_forked_child(own.made_in)).then_some(own)
}

/// Makes a job known.
pub(crate) fn put(job: Arc<dyn Living>) {
    let Some(shelf) = shelf() else { return };
    clear(shelf, EACH);
    shelf.jobs().by_id.insert(job.id(), job);
}

/// The job with this ID, unless its time is over.
pub(crate) fn find(id: JobId) -> Option<Arc<dyn Living>> {
    let shelf = shelf()?;
    clear(shelf, EACH);
    let job = shelf.jobs().by_id.get(&id).cloned()?;
    if job.drop_if_over() {
        shelf.jobs().by_id.remove(&id);
        return None;
    }
    Some(job)
}

/// Every job whose time is not over.
pub(crate) fn all() -> Vec<Arc<dyn Living>> {
    let Some(shelf) = shelf() else { return Vec::new() };
    clear(shelf, Duration::ZERO);
    shelf.jobs().by_id.values().cloned().collect()
}

/// Takes jobs away whose time is over, if nobody has looked for so long.
fn clear(shelf: &Shelf, each: Duration) {
    let jobs: Vec<_> = {
        let mut jobs = shelf.jobs();
        if jobs.looked.is_some_and(|looked| looked.elapsed() < each) {
            return;
        }
        jobs.looked = Some(Instant::now());
        jobs.by_id.values().cloned().collect()
    };
    // Without the lock: a result's own `drop` may ask for a job.
    let over: Vec<_> = jobs.into_iter().filter(|job| job.drop_if_over()).collect();
    let mut jobs = shelf.jobs();
    let gone: Vec<_> = over.iter().filter_map(|job| jobs.by_id.remove(&job.id())).collect();
    drop(jobs);
    drop(gone);
}
