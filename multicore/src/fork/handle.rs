//! The claim on a forked child's result.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::codec::Failure;
use crate::error::{Error, Exit, Result, Signal, Usage};
use crate::fork::children::Child;
use crate::fork::{INDEX, value};
use crate::panics;
use crate::report::{Report, client_error};
use crate::shm::layout::Outcome;
use crate::shm::window::Payload;
use crate::shm::word::{Phase, Word};
use crate::sys::process::{End, Reaped};

/// The claim on the result of a child that [`fork`](crate::fork()) made.
///
/// Dropping it detaches the child, as dropping a thread's handle does: it runs on, its deadline holds, and it ends
/// at the latest with this process. No zombie stays: it is collected by the next fork, join or drop of a handle
/// after its end, or at the end of this process.
#[must_use = "dropping it throws the result away; the child still runs"]
pub struct Forked<R> {
    child: Arc<Child>,
    result: PhantomData<fn() -> R>,
}

impl<R> Forked<R> {
    pub(super) fn of(child: Arc<Child>) -> Forked<R> {
        Forked { child, result: PhantomData }
    }

    /// The child's process number. Once the child is joined it may mean another process.
    pub fn pid(&self) -> u32 {
        self.child.pid.as_raw().unsigned_abs()
    }

    /// Whether the child has ended, so that [`join`](Forked::join) would not wait.
    pub fn is_finished(&self) -> bool {
        self.child.keep_deadline();
        self.child.has_ended()
    }

    /// Ends the child and all of its process group by SIGKILL. Returns at once; [`join`](Forked::join) gives
    /// [`Error::Cancelled`], or the result if the child was finished first.
    ///
    /// In a fork of the process that made it nothing happens.
    pub fn kill(&self) {
        if self.child.is_here() && !self.child.has_ended() {
            self.child.kill();
        }
    }
}

impl<R: DeserializeOwned + 'static> Forked<R> {
    /// Waits for the child to end, and gives its result.
    ///
    /// Bounded by the child's life: one that never ends is waited for for ever, unless it has a timeout.
    ///
    /// # Errors
    /// Whatever became of it: `Panicked`; `Died` with how it ended; `TimedOut`; `Cancelled` after
    /// [`kill`](Forked::kill); `Encode`, `Decode`, `TooLarge` or `Os` for the result; `Closed` in a fork of the
    /// process that made it.
    pub fn join(self) -> Result<R> {
        if !self.child.is_here() {
            return Err(Error::Closed);
        }
        self.child.wait(None);
        self.result()
    }

    /// As [`join`](Forked::join), at most so long; the handle comes back when the time is up. The child goes on.
    ///
    /// # Errors
    /// The handle itself; within `Ok`, as [`join`](Forked::join).
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<R>, Forked<R>> {
        if !self.child.is_here() {
            return Ok(Err(Error::Closed));
        }
        if self.child.wait(Instant::now().checked_add(timeout)) { Ok(self.result()) } else { Err(self) }
    }

    /// What became of a child that has ended.
    fn result(self) -> Result<R> {
        let child = &self.child;
        let reaped = child.collect();
        let header = child.region.slot(INDEX);
        let state = header.state.state();
        let breadcrumb = || child.region.worker(INDEX).breadcrumb.get();
        if child.is_late() {
            let (task, limit) = (child.name.clone(), child.timeout());
            return Err(Error::TimedOut { task, limit, breadcrumb: breadcrumb() });
        }
        if state.phase() != Some(Phase::Done) {
            return Err(match child.was_killed() {
                true => Error::Cancelled { task: child.name.clone() },
                false => self.death(reaped, state.phase() == Some(Phase::Running), breadcrumb()),
            });
        }
        let (outcome, len) = (header.outcome.load(Relaxed), header.result_len.load(Relaxed));
        if outcome == Outcome::NoMemory as u32 {
            return Err(Error::os("fallocate", std::io::Error::from_raw_os_error(len as i32)));
        }
        let payload = child.region.result(INDEX, len);
        match payload {
            Some(payload) if outcome == Outcome::Value as u32 => self.decoded(payload),
            Some(payload) if outcome == Outcome::Report as u32 => Err(self.reported(payload)),
            _ => Err(self.garbled("the child wrote an outcome that is none".to_owned())),
        }
    }

    /// A panic in the user's `Deserialize` is an error like any other.
    fn decoded(&self, payload: Payload<'_>) -> Result<R> {
        match panics::caught(|| value::take(payload)) {
            Ok(result) => result.map_err(|failure: Failure| client_error(failure, &self.child.name)),
            Err(Report::Panicked { message, .. }) => {
                Err(self.garbled(format!("its `Deserialize` panicked: {message}")))
            }
            Err(_) => Err(self.garbled("its `Deserialize` panicked".to_owned())),
        }
    }

    fn reported(&self, payload: Payload<'_>) -> Error {
        match Report::read(payload) {
            Ok(report) => report.into_error(&self.child.name),
            Err(_) => self.garbled("the child's report of what went wrong is none".to_owned()),
        }
    }

    fn garbled(&self, why: String) -> Error {
        Error::Decode { task: self.child.name.clone(), what: "the result", why }
    }

    fn death(&self, reaped: Option<Reaped>, started: bool, breadcrumb: Option<String>) -> Error {
        let record = self.child.region.worker(INDEX);
        let exit = match reaped.map(|reaped| reaped.end) {
            Some(End::Signal(_)) if record.stack_overflow.load(Relaxed) != 0 => Exit::StackOverflow,
            Some(End::Signal(number)) => Exit::Signal(Signal(number)),
            Some(End::Code(code)) => Exit::Code(code),
            None => Exit::Unknown,
        };
        let usage = reaped
            .map_or(Usage::default(), |reaped| Usage { cpu: reaped.cpu, peak_memory: reaped.peak_memory });
        let (task, pid, message) = (self.child.name.clone(), self.child.pid.as_raw(), record.words.get());
        Error::Died { task, pid, exit, started, message, breadcrumb, usage }
    }
}

impl<R> Drop for Forked<R> {
    fn drop(&mut self) {
        self.child.abandon();
    }
}

impl<R> fmt::Debug for Forked<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forked")
            .field("name", &self.child.name)
            .field("pid", &self.pid())
            .field("finished", &self.child.has_ended())
            .finish()
    }
}
