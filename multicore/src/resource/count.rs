//! How often values are made, used again, checked and replaced: counted where the worker's statistics are.

use crate::shm::tally::Reuse;

/// Counts something for this worker, if this thread is one's.
pub(super) fn count(what: Reuse) {
    if !counted_by_crew(what) {
        #[cfg(processes)]
        if let Some((region, index)) = crate::processes::worker::ready::here() {
            region.tally(index).resources.add(what);
        }
    }
}

/// Counts it for this thread, if it is one of a pool's.
#[cfg(threads)]
fn counted_by_crew(what: Reuse) -> bool {
    crate::threads::around::count(what)
}

#[cfg(not(threads))]
fn counted_by_crew(_what: Reuse) -> bool {
    false
}
