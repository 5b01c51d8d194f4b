//! Faults on demand: `MULTICORE_FAULT` lets a program's own tests see what a death looks like.
//!
//! The client counts the calls of a task and marks the one that is meant in its slot; the worker that
//! begins it clears the mark and lets the fault happen. So one call has one fault, whichever worker
//! runs it, and with retries its next run has none.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::config::FAULT;
use crate::error::{Error, Result};
use crate::registry::{Entry, registry};
use crate::sys::{fault, process};

/// How long [`Fault::Slow`] takes before the function runs.
const SLOW: Duration = Duration::from_millis(250);
/// Names that an error lists at most.
const LISTED: usize = 20;

/// What happens to a call once it has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Fault {
    Kill = 1,
    Abort = 2,
    Segfault = 3,
    Panic = 4,
    Stall = 5,
    Slow = 6,
}

const FAULTS: [(&str, Fault); 6] = [
    ("kill", Fault::Kill),
    ("abort", Fault::Abort),
    ("segfault", Fault::Segfault),
    ("panic", Fault::Panic),
    ("stall", Fault::Stall),
    ("slow", Fault::Slow),
];

/// One part of the variable: a fault, a task, and which of its calls.
#[derive(Debug)]
pub(crate) struct Plan {
    fault: Fault,
    /// The task's stable ID.
    task: u64,
    /// Counted from 1; `None` for every call.
    which: Option<u64>,
    /// Calls seen so far.
    seen: AtomicU64,
}

/// What the variable says; nothing where it is not set.
///
/// # Errors
/// `Config` for a word that is none, with those that there are.
pub(crate) fn plans(text: Option<&str>) -> Result<Vec<Plan>> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()).map(plan).collect()
}

fn plan(part: &str) -> Result<Plan> {
    let wrong = |why: String| Error::config(FAULT, why);
    let mut words = part.splitn(2, ':');
    let (fault, rest) = (words.next().unwrap_or_default(), words.next());
    let known = FAULTS.map(|(name, _)| name).join(", ");
    let Some((_, fault)) = FAULTS.into_iter().find(|(name, _)| *name == fault) else {
        return Err(wrong(format!("`{fault}` in `{part}` is no fault; there are {known}")));
    };
    let Some(rest) = rest else {
        return Err(wrong(format!(
            "`{part}` names no task; write `kill:render:3` for the third call of `render`"
        )));
    };
    // A task's path has colons of its own, always two.
    let (task, which) = match rest.rsplit_once(':') {
        Some((task, number)) if !task.ends_with(':') => (task, Some(number)),
        _ => (rest, None),
    };
    let which = match which.map(str::parse) {
        None => None,
        Some(Ok(number)) if number > 0 => Some(number),
        _ => return Err(wrong(format!("`{part}` says which call by no number from 1 on"))),
    };
    Ok(Plan { fault, task: find(task).map_err(wrong)?, which, seen: AtomicU64::new(0) })
}

/// The task of this name, or the one whose path ends with it.
fn find(name: &str) -> Result<u64, String> {
    let tasks: Vec<&Entry> = registry().map_err(|error| error.to_string())?.entries().collect();
    let called = |entry: &&&Entry| {
        let path = entry.name();
        path == name
            || path.strip_suffix(name).is_some_and(|front| front.ends_with("::") || front.ends_with('.'))
    };
    let mut found = tasks.iter().filter(called);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.id()),
        (Some(one), Some(other)) => Err(match tasks.iter().find(|entry| entry.name() == name) {
            Some(exact) => return Ok(exact.id()),
            None => format!("`{name}` may be `{}` or `{}`; write the whole name", one.name(), other.name()),
        }),
        (None, _) => {
            let mut names: Vec<_> = tasks.iter().map(|entry| entry.name()).collect();
            names.sort_unstable();
            let more = if names.len() > LISTED { ", …" } else { "" };
            names.truncate(LISTED);
            Err(format!("`{name}` is no task of this program; there are {}{more}", names.join(", ")))
        }
    }
}

/// The fault that befalls the next call of this task, as its slot says it; 0 for none.
pub(crate) fn of_next_call(plans: &[Plan], entry: &Entry) -> u32 {
    let mut fault = 0;
    for plan in plans.iter().filter(|plan| plan.task == entry.id()) {
        let number = plan.seen.fetch_add(1, Relaxed) + 1;
        if plan.which.is_none_or(|which| which == number) {
            fault = plan.fault as u32;
        }
    }
    fault
}

/// Lets the fault of this number happen to the call that this worker runs; nothing for any other number.
pub(crate) fn happen(number: u32) {
    let Some((_, fault)) = FAULTS.into_iter().find(|(_, fault)| *fault as u32 == number) else { return };
    match fault {
        Fault::Kill => drop(process::kill(Pid::this(), Signal::SIGKILL)),
        Fault::Abort => std::process::abort(),
        Fault::Segfault => fault::bad_store(),
        Fault::Panic => panic!("{FAULT} asked for this panic"),
        Fault::Stall => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        Fault::Slow => std::thread::sleep(SLOW),
    }
}
