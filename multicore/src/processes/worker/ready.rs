//! A worker's beginning and end: what it takes on before its first call, and what it leaves after its last.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use crate::hooks;
use crate::panics;
use crate::processes::clock;
use crate::processes::worker::Worker;
use crate::processes::worker::limits::Recycling;
use crate::resource;
use crate::shm::note::Note;
use crate::shm::region::Region;
use crate::sys::latest::Latest;
use crate::sys::{process, timer};

static IN_WORKER: AtomicBool = AtomicBool::new(false);
/// The region and this worker's number, for the panic hook, which takes no argument.
static HERE: Latest<(&'static Region, usize)> = Latest::new();

/// Whether this process is a worker: parallel calls made here run inline.
pub(crate) fn in_worker() -> bool {
    IN_WORKER.load(Relaxed)
}

/// The region and the number of this worker, if this process is one.
#[inline]
pub(crate) fn here() -> Option<(&'static Region, usize)> {
    HERE.get().copied()
}

/// From now on this process runs what has this place in the region; the message of a panic goes there as well,
/// before anything else happens.
pub(crate) fn run_at(region: &'static Region, index: usize) {
    HERE.set(Box::leak(Box::new((region, index))));
    panics::keep_messages(|message| {
        if let Some((region, index)) = here() {
            add_words(&region.worker(index).words, message);
        }
    });
}

// Exit codes of a worker that ends by itself without being asked.

/// A start hook failed or panicked.
pub(crate) const START_HOOK_FAILED: i32 = 81;
/// The supervisor was ending it over its call already when the call came to its own end.
pub(crate) const EXPIRED: i32 = 82;
/// The kernel refused a limit that its pool asks for.
pub(crate) const NOT_LIMITED: i32 = 83;
/// The sandbox that its pool asks for could not be had.
pub(crate) const NOT_SANDBOXED: i32 = 84;
/// Its supervisor does not answer it any more.
pub(crate) const NO_SUPERVISOR: i32 = 85;

/// How long a worker may take to end whose pool goes on: as long as a pool may, unless it is said.
const END: Duration = Duration::from_secs(10);

impl Worker<'_> {
    /// Takes on all that the pool asks for, and says that calls may come.
    pub(in crate::processes) fn become_ready(&self) -> Recycling {
        IN_WORKER.store(true, Relaxed);
        run_at(self.region, self.index);
        let record = self.region.worker(self.index);
        record.pid.store(std::process::id(), Relaxed);
        let recycling = self.limit();
        self.start();
        self.enter_sandbox();
        record.ready.store(1, SeqCst);
        recycling
    }

    /// Has the kernel limit this process; without its limits no worker runs anything.
    fn limit(&self) -> Recycling {
        let limited = self.limits.apply(self.seat).and_then(|()| Recycling::of(self.limits));
        limited.unwrap_or_else(|error| {
            self.never_ready(&format!("a limit could not be set: {error}"), NOT_LIMITED)
        })
    }

    /// Says why, for the pool's owner, and ends.
    fn never_ready(&self, why: &str, code: i32) -> ! {
        self.region.worker(self.index).words.set(why);
        process::flush_output();
        process::exit_now(code)
    }

    fn start(&self) {
        if let Err(why) = hooks::start() {
            self.never_ready(&why, START_HOOK_FAILED)
        }
        // A hook that changed the user took the kernel's promise away.
        if !process::die_with_parent(self.supervisor) {
            process::exit_now(0);
        }
    }

    /// Gives up what the pool's calls shall not have, if there is a sandbox.
    fn enter_sandbox(&self) {
        let Some((sandbox, own)) = &self.sandbox else { return };
        if let Err(why) = sandbox.enter(own) {
            self.never_ready(&format!("the sandbox could not be set up: {why}"), NOT_SANDBOXED);
        }
    }

    /// Has the kernel end this process when what it does at its end never comes to one. A pool that is shut down has
    /// its own limit, and who hands calls out has one for each of its workers.
    fn limit_the_end(&self) {
        if self.sandbox.is_none() && self.region.head().draining.load(Relaxed) == 0 {
            let due = Duration::from_nanos(clock::now()).saturating_add(END);
            // Refused where signals may not be queued: then it has no limit.
            let _ = timer::kill_this_process(due);
        }
    }

    /// Runs the exit hooks, closes what calls have left to later ones, and ends.
    pub(in crate::processes) fn leave(&self, code: i32) -> ! {
        self.limit_the_end();
        hooks::exit();
        resource::close_all();
        process::flush_output();
        process::exit_now(code)
    }
}

/// Adds a panic's message to those of this call: the last of a panic in a panic says nothing of the first.
fn add_words<const WORDS: usize>(words: &Note<WORDS>, message: &str) {
    match words.get() {
        Some(earlier) if earlier.len() + message.len() < 7 * WORDS => {
            words.set(&format!("{earlier}; then: {message}"));
        }
        _ => words.set(message),
    }
}
