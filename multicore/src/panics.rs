//! Panics of task functions: caught, kept with their place, and not printed.
//!
//! One hook, put in front of the program's own the first time it is needed. It keeps a panic to
//! itself only while this thread runs something here within [`caught`]; every other one goes on to the program's hook.
//! A worker notes each one's message first.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;
#[cfg(processes)]
use std::sync::OnceLock;
use std::thread;

use crate::report::Report;

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

struct Seen {
    location: Option<String>,
    backtrace: Option<String>,
}

/// Where a worker process leaves a panic's message before anything else happens, for a program that aborts.
#[cfg(processes)]
static LAST_WORDS: OnceLock<fn(&str)> = OnceLock::new();

/// Keeps every panic's message by `keep` before the panic unwinds or aborts.
#[cfg(processes)]
pub(crate) fn keep_messages(keep: fn(&str)) {
    LAST_WORDS.get_or_init(|| keep);
    install();
}

/// Runs `task`; a panic becomes a report.
pub(crate) fn caught<T>(task: impl FnOnce() -> T) -> Result<T, Report> {
    install();
    let outer = RUNNING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(task));
    RUNNING.set(outer);
    result.map_err(|payload| {
        // At its thread's end nobody has seen it.
        let seen = SEEN.try_with(|seen| seen.take()).ok().flatten();
        let message = text(&*payload);
        // A payload may panic in its own destructor.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)));
        let (location, backtrace) = seen.map(|s| (s.location, s.backtrace)).unwrap_or_default();
        Report::Panicked { message, location, backtrace }
    })
}

/// As [`caught`], where another panic may be on its way: that one keeps its place.
pub(crate) fn caught_aside<T>(task: impl FnOnce() -> T) -> Result<T, Report> {
    let seen = SEEN.try_with(|seen| seen.take()).ok().flatten();
    let result = caught(task);
    if seen.is_some() {
        let _ = SEEN.try_with(|place| place.replace(seen));
    }
    result
}

/// While a panic unwinds nobody may: until the next time the program's own hook hears of all.
fn install() {
    static ONCE: Once = Once::new();
    if thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            #[cfg(processes)]
            if let Some(keep) = LAST_WORDS.get() {
                keep(&format!(
                    "{}{}",
                    text(info.payload()),
                    place(info).map(|p| format!(" at {p}")).unwrap_or_default()
                ));
            }
            if RUNNING.get() { note(info) } else { previous(info) }
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    let seen = Seen { location: place(info), backtrace };
    let _ = SEEN.try_with(|place| place.replace(Some(seen)));
}

fn place(info: &PanicHookInfo<'_>) -> Option<String> {
    info.location().map(|l| format!("{}:{}:{}", l.file(), l.line(), l.column()))
}

fn text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic whose payload is no text".to_owned()
    }
}
