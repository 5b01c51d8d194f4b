//! What travels in a result window when there is no result: a report of what went wrong.

#[cfg(processes)]
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codec::Failure;
#[cfg(processes)]
use crate::codec::{self, Codec};
use crate::error::{Error, Exit, Signal, Usage};
use crate::shm::layout::Verdict;
#[cfg(processes)]
use crate::shm::layout::{Outcome, SlotHeader};
#[cfg(processes)]
use crate::shm::note::wipe;
#[cfg(processes)]
use crate::shm::window::{Payload, WindowWriter};

/// No memory: what an allocator that fails does not say itself.
#[cfg(processes)]
use libc::ENOMEM;
/// The same number on every system that has one.
#[cfg(not(processes))]
const ENOMEM: i32 = 12;

/// What went wrong with one call, as a worker or the supervisor writes it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    Panicked {
        message: String,
        location: Option<String>,
        backtrace: Option<String>,
    },
    Encode(String),
    Decode(String),
    TooLarge {
        need: u64,
        limit: u64,
    },
    Os {
        errno: i32,
    },
    UnknownTask {
        id: u64,
    },
    Died {
        pid: i32,
        exit: WireExit,
        started: bool,
        message: Option<String>,
        breadcrumb: Option<String>,
        cpu: Duration,
        peak_memory: u64,
    },
    TimedOut {
        nanoseconds: u64,
        breadcrumb: Option<String>,
    },
    Cancelled,
    /// A forked child could not have its deadline kept.
    NoTimer {
        errno: i32,
    },
}

/// [`Exit`], in a shape that travels.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum WireExit {
    Code(i32),
    Signal(i32),
    StackOverflow,
    Unknown,
}

impl From<WireExit> for Exit {
    fn from(exit: WireExit) -> Exit {
        match exit {
            WireExit::Code(code) => Exit::Code(code),
            WireExit::Signal(number) => Exit::Signal(Signal(number)),
            WireExit::StackOverflow => Exit::StackOverflow,
            WireExit::Unknown => Exit::Unknown,
        }
    }
}

impl From<Failure> for Report {
    fn from(failure: Failure) -> Report {
        match failure {
            Failure::Encode(why) => Report::Encode(why),
            Failure::Decode(why) => Report::Decode(why),
            Failure::TooLarge { need, limit } => Report::TooLarge { need, limit },
            Failure::Os(error) => Report::Os { errno: error.raw_os_error().unwrap_or(ENOMEM) },
        }
    }
}

#[cfg(processes)]
impl Report {
    /// Writes the report in place of whatever the window held, and says so in the slot's header.
    pub(crate) fn put(&self, header: &SlotHeader, out: &mut WindowWriter<'_>) {
        header.verdict.store(self.verdict() as u32, Relaxed);
        out.restart();
        match codec::encode(Codec::Bincode, self, out) {
            Ok(()) => header.hold(Outcome::Report, out.needed() as u64),
            Err(Failure::Os(error)) => {
                let errno = error.raw_os_error().unwrap_or(ENOMEM);
                header.hold(Outcome::NoMemory, errno as u64);
            }
            // An empty report is read as one that does not decode.
            Err(_) => header.hold(Outcome::Report, 0),
        }
    }

    /// Forgets what a worker said, for good.
    pub(crate) fn wipe(self) {
        match self {
            Report::Died { message, breadcrumb, .. } => {
                [message, breadcrumb].into_iter().flatten().for_each(wipe);
            }
            Report::TimedOut { breadcrumb, .. } => breadcrumb.into_iter().for_each(wipe),
            _ => {}
        }
    }

    /// Reads what a worker says is a report.
    pub(crate) fn read(payload: Payload<'_>) -> Result<Report, Failure> {
        codec::decode_whole(Codec::Bincode, payload)
    }
}

impl Report {
    /// For those who count.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Report::Panicked { .. } => Verdict::Panicked,
            Report::Died { .. } => Verdict::Died,
            Report::TimedOut { .. } => Verdict::TimedOut,
            Report::Cancelled => Verdict::Cancelled,
            Report::Encode(_)
            | Report::Decode(_)
            | Report::TooLarge { .. }
            | Report::Os { .. }
            | Report::UnknownTask { .. }
            | Report::NoTimer { .. } => Verdict::Failed,
        }
    }

    /// The caller's error.
    pub(crate) fn into_error(self, task: &str) -> Error {
        let task = task.to_owned();
        match self {
            Report::Panicked { message, location, backtrace } => {
                Error::Panicked { task, message, location, backtrace }
            }
            Report::Encode(why) => Error::Encode { task, what: "the result", why },
            Report::Decode(why) => Error::Decode { task, what: "the arguments", why },
            Report::TooLarge { need, limit } => Error::TooLarge { need, limit },
            Report::Os { errno } => Error::os("fallocate", std::io::Error::from_raw_os_error(errno)),
            Report::UnknownTask { id } => Error::UnknownTask { task, id },
            Report::Died { pid, exit, started, message, breadcrumb, cpu, peak_memory } => Error::Died {
                task,
                pid,
                exit: exit.into(),
                started,
                message,
                breadcrumb,
                usage: Usage { cpu, peak_memory },
            },
            Report::Cancelled => Error::Cancelled { task },
            Report::NoTimer { errno } => Error::os("timer_create", std::io::Error::from_raw_os_error(errno)),
            Report::TimedOut { nanoseconds, breadcrumb } => {
                Error::TimedOut { task, limit: Duration::from_nanos(nanoseconds), breadcrumb }
            }
        }
    }
}

/// The caller's error for what went wrong on the caller's own side of the window.
pub(crate) fn client_error(failure: Failure, task: &str) -> Error {
    let task = task.to_owned();
    match failure {
        Failure::Encode(why) => Error::Encode { task, what: "the arguments", why },
        Failure::Decode(why) => Error::Decode { task, what: "the result", why },
        Failure::TooLarge { need, limit } => Error::TooLarge { need, limit },
        Failure::Os(error) => Error::os("fallocate", error),
    }
}
