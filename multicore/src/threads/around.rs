//! What happens around each call in its thread: the one place that knows when a call begins there, and whether it
//! returned, failed or panicked.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use super::work::Work;
use crate::codec::Failure;
use crate::panics;
use crate::report::Report;
use crate::shm::tally::{Reuse, ReuseCounts};

thread_local! {
    /// The pool whose thread this is, by the address of its desk; 0 for none.
    static CREW: Cell<usize> = const { Cell::new(0) };
    /// Where this thread counts how it comes by its resources.
    static RESOURCES: OnceCell<Arc<ReuseCounts>> = const { OnceCell::new() };
    /// The call that this thread runs.
    static CURRENT: RefCell<Option<Arc<Work>>> = const { RefCell::new(None) };
}

/// From now on this thread is one of this pool's.
pub(super) fn join(desk: usize, resources: Arc<ReuseCounts>) {
    CREW.set(desk);
    // Once a thread, so there is none yet.
    let _ = RESOURCES.with(|here| here.set(resources));
}

/// Counts how this thread came by a resource; whether it is a thread of a pool.
pub(crate) fn count(what: Reuse) -> bool {
    let count = |here: &OnceCell<Arc<ReuseCounts>>| here.get().map(|resources| resources.add(what)).is_some();
    RESOURCES.try_with(count).unwrap_or(false)
}

/// Whether this is a thread of a pool: calls made here run here.
pub(crate) fn in_crew() -> bool {
    CREW.get() != 0
}

/// Whether this is a thread of this pool.
pub(super) fn in_crew_of(desk: usize) -> bool {
    CREW.get() == desk
}

/// Whether this thread is in the middle of a call.
pub(super) fn in_call() -> bool {
    current(|_| ()).is_some()
}

/// Runs a call in this thread.
///
/// # Errors
/// What went wrong with it, a panic included.
pub(super) fn call(work: &Arc<Work>, run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Report> {
    CURRENT.set(Some(work.clone()));
    let ended = panics::caught(run);
    CURRENT.set(None);
    Ok(ended??)
}

/// Looks at the call that this thread runs.
pub(crate) fn current<R>(look: impl FnOnce(&Work) -> R) -> Option<R> {
    // At its thread's end it runs none.
    CURRENT.try_with(|current| current.borrow().as_deref().map(look)).ok().flatten()
}
