//! The children that this process forked and has not collected yet: every one ends, and none stays a zombie.
//!
//! A child whose handle is dropped runs on. It is collected at the next look, which every fork, join and drop
//! takes; and at the end of this process.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::error::Result;
use crate::fork::INDEX;
use crate::shm::region::Region;
use crate::shm::word::{Phase, Word};
use crate::sys::exit::AtExit;
use crate::sys::fork_guard::{self, Token};
use crate::sys::process::Reaped;
use crate::sys::{pidfd, process};

/// How much later than the child's own timers this process looks at its deadline.
pub(super) const SLACK: Duration = Duration::from_millis(20);
/// How long a child that was killed may take to end before the program ends without it.
const END: Duration = Duration::from_secs(5);

static CHILDREN: Mutex<Vec<Arc<Child>>> = Mutex::new(Vec::new());
static AT_EXIT: AtExit = AtExit::new(stop_all);

/// A forked child.
pub(super) struct Child {
    /// What errors call it.
    pub(super) name: String,
    pub(super) pid: Pid,
    process: OwnedFd,
    pub(super) region: Arc<Region>,
    limit: Option<Limit>,
    made_in: Token,
    /// Nobody will join it.
    abandoned: AtomicBool,
    /// It was ended because the caller wished so.
    killed: AtomicBool,
    /// This process has sent it the SIGTERM of its deadline.
    warned: AtomicBool,
}

/// A deadline.
pub(super) struct Limit {
    pub(super) timeout: Duration,
    pub(super) grace: Duration,
    pub(super) due: Instant,
    /// The same moment as the kernel counts it.
    pub(super) on_clock: Duration,
}

impl Child {
    /// Takes care of a child that was forked just now.
    ///
    /// # Errors
    /// `Os` from `pidfd_open`, where the machine has no descriptor left: the child is ended.
    pub(super) fn adopt(
        name: String,
        pid: Pid,
        region: Arc<Region>,
        limit: Option<Limit>,
    ) -> Result<Arc<Child>> {
        let process = pidfd::of(pid).inspect_err(|_| {
            let _ = process::kill(pid, Signal::SIGKILL);
            process::collect(pid);
        })?;
        let no = || AtomicBool::new(false);
        let made_in = fork_guard::token();
        let (abandoned, killed, warned) = (no(), no(), no());
        let child = Arc::new(Child { name, pid, process, region, limit, made_in, abandoned, killed, warned });
        children().push(child.clone());
        // Without it the child ends with this process all the same, by the kernel.
        let _ = AT_EXIT.register();
        Ok(child)
    }

    /// Whether this is the process that forked it.
    pub(super) fn is_here(&self) -> bool {
        !fork_guard::in_forked_child(self.made_in)
    }

    pub(super) fn has_ended(&self) -> bool {
        pidfd::has_exited(self.process.as_fd())
    }

    pub(super) fn was_killed(&self) -> bool {
        self.killed.load(Acquire)
    }

    /// Whether it has run too long, as it says itself or this process found. For one that has ended.
    pub(super) fn is_late(&self) -> bool {
        let state = self.region.slot(INDEX).state.state();
        state.expired() || self.warned.load(Acquire) && state.phase() != Some(Phase::Done)
    }

    pub(super) fn timeout(&self) -> Duration {
        self.limit.as_ref().map_or(Duration::ZERO, |limit| limit.timeout)
    }

    /// Waits for its end, perhaps until a moment, and sees to its deadline meanwhile; whether it has ended.
    pub(super) fn wait(&self, until: Option<Instant>) -> bool {
        loop {
            let alarm = self.keep_deadline();
            let wake = [until, alarm].into_iter().flatten().min();
            let left = wake.map(|moment| moment.saturating_duration_since(Instant::now()));
            if pidfd::wait_exit(self.process.as_fd(), left) {
                return true;
            }
            if until.is_some_and(|moment| moment <= Instant::now()) {
                return false;
            }
        }
    }

    /// Does what the child's own timers may not have done, because it was stopped or calls `exec`; when to look
    /// again, if that could make a difference.
    pub(super) fn keep_deadline(&self) -> Option<Instant> {
        let limit = self.limit.as_ref()?;
        let (warn, end) = (limit.due + SLACK, limit.due + limit.grace + SLACK);
        let now = Instant::now();
        if now < warn {
            return Some(warn);
        }
        // Of something else, perhaps long ago.
        if self.has_ended() {
            return None;
        }
        if !self.warned.swap(true, AcqRel) {
            let word = self.region.slot(INDEX).state;
            let begun = matches!(word.state().phase(), Some(Phase::Running | Phase::Done));
            // Its timers were there first, or it has finished in time; or it was stopped before it began.
            if word.expire(INDEX as u16, word.state().generation()) || !begun {
                self.signal(Signal::SIGTERM);
            }
        }
        if now < end {
            return Some(end);
        }
        self.signal(Signal::SIGKILL);
        None
    }

    /// Ends it now.
    pub(super) fn kill(&self) {
        self.killed.store(true, Release);
        self.signal(Signal::SIGKILL);
    }

    /// Sends a signal to its group, and to it wherever it is.
    fn signal(&self, signal: Signal) {
        // One that has ended may have been collected by somebody: its number may mean another.
        if self.is_here() && !self.has_ended() {
            let _ = process::kill_group(self.pid, signal);
            let _ = pidfd::signal(self.process.as_fd(), signal);
        }
    }

    /// Collects it once it has ended, and ends what it left in its group; `None` when somebody else has
    /// collected it.
    pub(super) fn collect(self: &Arc<Child>) -> Option<Reaped> {
        children().retain(|child| !Arc::ptr_eq(child, self));
        self.reap()
    }

    fn reap(&self) -> Option<Reaped> {
        if !self.is_here() || !pidfd::is_to_be_collected(self.process.as_fd()) {
            return None;
        }
        // Before it is collected: its number still means its group.
        let _ = process::kill_group(self.pid, Signal::SIGKILL);
        process::reap(self.pid)
    }

    /// Nobody will join it.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Release);
        look_after();
    }
}

/// Collects those that have ended and that nobody will join, and keeps the deadlines of those that nobody waits
/// for. Never blocks.
pub(super) fn look_after() {
    children().retain(|child| {
        if !child.is_here() {
            // A fork of this process has a copy of the list: they are the parent's to collect.
            return false;
        }
        child.keep_deadline();
        let is_over = child.abandoned.load(Acquire) && child.has_ended();
        if is_over {
            child.reap();
        }
        !is_over
    });
}

/// Ends them all, at this process's own end: what they started holds its output open otherwise.
pub(super) fn end_all() {
    // Somebody may be inside; it is about to end as well, and the kernel sees to its children.
    let Ok(mut children) = CHILDREN.try_lock() else { return };
    children.retain(|child| child.is_here());
    children.iter().for_each(|child| child.kill());
    for child in children.drain(..) {
        pidfd::wait_exit(child.process.as_fd(), Some(END));
        child.reap();
    }
}

extern "C" fn stop_all() {
    end_all();
}

fn children() -> MutexGuard<'static, Vec<Arc<Child>>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}
