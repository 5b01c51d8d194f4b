//! One call on a thread, and what became of it.

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Instant, SystemTime};

use crate::handle::progress::Progress;
use crate::registry::Entry;
use crate::report::Report;
use crate::shm::layout::Verdict;
use crate::shm::own::Memory;

/// One call, held by whoever waits for it and by the thread that runs it.
pub(crate) struct Work {
    pub(super) entry: &'static Entry,
    /// Whether it is to end: what `cancelled()` shows to the function.
    ends: AtomicBool,
    breadcrumb: Mutex<Option<String>>,
    progress: Mutex<Option<Progress>>,
    /// Whether nobody waits for it.
    pub(super) background: bool,
    state: Mutex<State>,
    settled: Condvar,
}

struct State {
    stage: Stage,
    started: Option<SystemTime>,
    ended: Option<Ended>,
    /// Whether a thread sleeps until it settles.
    awaited: bool,
    /// Whom to tell when it settles.
    waker: Option<Waker>,
}

enum Stage {
    UnderWay,
    Settled(Outcome),
    Collected,
}

/// What became of a call.
pub(crate) enum Outcome {
    Value(Answer),
    Report(Report),
    /// The pool was shut down before.
    Closed,
}

/// How a call ended, and when by two clocks.
#[derive(Clone, Copy)]
pub(crate) struct Ended {
    /// `None` for one that gave a result.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) time: SystemTime,
    pub(crate) since: Instant,
}

impl Outcome {
    fn verdict(&self) -> Option<Verdict> {
        match self {
            Outcome::Value(_) => None,
            Outcome::Report(report) => Some(report.verdict()),
            Outcome::Closed => Some(Verdict::Failed),
        }
    }
}

/// An encoded result.
pub(crate) struct Answer {
    /// What it lies in: its own memory, or that of the arguments.
    pub(super) memory: Memory,
    pub(super) place: Range<usize>,
}

impl Work {
    pub(super) fn new(entry: &'static Entry, background: bool) -> Work {
        let state = State { stage: Stage::UnderWay, started: None, ended: None, awaited: false, waker: None };
        Work {
            entry,
            ends: AtomicBool::new(false),
            breadcrumb: Mutex::new(None),
            progress: Mutex::new(None),
            background,
            state: Mutex::new(state),
            settled: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is to end.
    #[inline]
    pub(crate) fn ends(&self) -> bool {
        self.ends.load(Relaxed)
    }

    /// Asks the function to end; from now on it is cancelled, whatever it returns.
    pub(super) fn ask_to_end(&self) {
        let state = self.state();
        if let Stage::UnderWay = state.stage {
            self.ends.store(true, Relaxed);
        }
    }

    /// Says what became of the call; only the first time counts. Whom to wake, once no lock is held.
    #[must_use = "somebody may wait to be woken"]
    pub(super) fn settle(&self, outcome: Outcome) -> Option<Waker> {
        let mut state = self.state();
        let Stage::UnderWay = state.stage else { return None };
        let asked = self.ends() && matches!(outcome, Outcome::Value(_) | Outcome::Report(_));
        let outcome = if asked { Outcome::Report(Report::Cancelled) } else { outcome };
        state.ended =
            Some(Ended { verdict: outcome.verdict(), time: SystemTime::now(), since: Instant::now() });
        state.stage = Stage::Settled(outcome);
        if state.awaited {
            self.settled.notify_all();
        }
        state.waker.take()
    }

    /// Whether it has settled.
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(self.state().stage, Stage::UnderWay)
    }

    /// Waits until it settles, or the moment; whether it has.
    pub(crate) fn wait(&self, until: Option<Instant>) -> bool {
        let mut state = self.state();
        while let Stage::UnderWay = state.stage {
            state.awaited = true;
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.settled.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return false,
                Some(left) => {
                    self.settled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }

    /// Has this told once it settles, in place of whom it had before; whether it has settled already.
    pub(crate) fn is_settled_or_wakes(&self, waker: &Waker) -> bool {
        let mut state = self.state();
        let settled = !matches!(state.stage, Stage::UnderWay);
        if !settled {
            state.waker = Some(waker.clone());
        }
        settled
    }

    /// Nobody awaits it any more.
    pub(crate) fn stop_awaiting(&self) {
        self.state().waker = None;
    }

    /// What became of it, once it has settled; that is taken once.
    pub(crate) fn take(&self) -> Option<Outcome> {
        let mut state = self.state();
        match std::mem::replace(&mut state.stage, Stage::Collected) {
            Stage::Settled(outcome) => Some(outcome),
            stage => {
                state.stage = stage;
                None
            }
        }
    }

    /// A thread begins it.
    pub(super) fn begin(&self) {
        self.state().started = Some(SystemTime::now());
    }

    /// When it began, and how it ended.
    pub(crate) fn times(&self) -> (Option<SystemTime>, Option<Ended>) {
        let state = self.state();
        (state.started, state.ended)
    }

    /// Keeps what the function says of how far it has come.
    pub(crate) fn come(&self, done: u64, total: u64, message: &str) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = progress.get_or_insert_default();
        (progress.done, progress.total) = (done, total);
        if progress.message != message {
            progress.message.clear();
            progress.message.push_str(message);
        }
    }

    /// How far it said last that it has come.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what the function says of where it is.
    pub(crate) fn say(&self, text: &str) {
        *self.breadcrumb.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
    }

    /// What it said last.
    pub(crate) fn said(&self) -> Option<String> {
        self.breadcrumb.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Answer {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory.bytes()[self.place.clone()]
    }
}
