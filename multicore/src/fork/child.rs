//! The child's life: it takes on what a child must, runs the closure, leaves the result, and ends.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use nix::unistd::Pid;
use serde::Serialize;

use crate::codec::Failure;
use crate::error::Error;
use crate::fork::children::{self, Limit};
use crate::fork::{INDEX, value};
use crate::panics;
use crate::processes::worker::ready;
use crate::report::Report;
use crate::resource;
use crate::shm::layout::Outcome;
use crate::shm::region::Region;
use crate::shm::window::WindowWriter;
use crate::shm::word::Word;
use crate::sys::{process, signals, stack, timer};

/// What the child is told.
pub(super) struct Orders<'o> {
    /// What its process is called.
    pub(super) title: &'o str,
    pub(super) parent: Pid,
    pub(super) limit: Option<&'o Limit>,
}

/// The exit code where this module itself panicked, as of any program that does.
const PANICKED: i32 = 101;

/// Runs the closure in the child that was forked just now.
///
/// Nothing of the caller's runs again in this process: neither its code nor its destructors.
pub(super) fn live<R, F>(orders: &Orders<'_>, region: &Arc<Region>, closure: F) -> !
where
    R: Serialize + 'static,
    F: FnOnce() -> R,
{
    // The process ends without ever giving it back.
    let region: &'static Region = Box::leak(Box::new(region.clone()));
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        settle_in(orders, region);
        answer(orders, region, closure);
        resource::close_all();
        children::end_all();
        process::flush_output();
    }));
    process::exit_now(if ended.is_ok() { 0 } else { PANICKED })
}

/// What it takes on before the closure runs.
fn settle_in(orders: &Orders<'_>, region: &'static Region) {
    // Refused to the leader of a session alone, and it is none.
    let _ = process::own_group();
    if !process::die_with_parent(orders.parent) {
        process::exit_now(0);
    }
    let record = region.worker(INDEX);
    record.pid.store(std::process::id(), Relaxed);
    // What it runs, for `cancelled()`.
    record.current.store(INDEX as u32 + 1, Relaxed);
    // What of these is refused costs a word in an error, or a name in `ps`.
    let _ = signals::for_forked();
    let _ = stack::install();
    stack::report_to(&record.stack_overflow);
    ready::run_at(region, INDEX);
    process::set_name(&process_name(orders.title));
    process::set_oom_score(1000);
    process::print_by_lines();
}

fn process_name(title: &str) -> String {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(std::path::Path::file_name).unwrap_or_default();
    format!("{}: {title}", program.to_string_lossy().chars().take(6).collect::<String>())
}

/// Runs the closure and leaves its result, or what became of it, in the region.
fn answer<R, F>(orders: &Orders<'_>, region: &'static Region, closure: F)
where
    R: Serialize + 'static,
    F: FnOnce() -> R,
{
    let header = region.slot(INDEX);
    let owner = INDEX as u16;
    if !header.state.claim(owner) {
        return;
    }
    let mut store = region.result_store(INDEX);
    let mut out = WindowWriter::new(&mut store, region.geometry().window);
    // Before the timers: what is overdue is a call that has begun.
    header.state.begin(owner);
    let armed = orders.limit.map_or(Ok(()), Limit::arm).map_err(refused);
    let outcome = armed.and_then(|()| {
        panics::caught(|| {
            let result = closure();
            let written = value::put(&result, &mut out);
            // Its memory goes with the process.
            std::mem::forget(result);
            written
        })
        .and_then(|written: Result<(), Failure>| written.map_err(Report::from))
    });
    match outcome {
        Ok(()) => header.hold(Outcome::Value, out.needed() as u64),
        Err(report) => {
            // A panic that was caught is nobody's last word.
            region.worker(INDEX).words.clear();
            report.put(&header, &mut out);
        }
    }
    // Nobody sleeps on the word.
    let _settled = header.state.finish(owner);
}

fn refused(error: Error) -> Report {
    let errno = match &error {
        Error::Os { source, .. } => source.raw_os_error(),
        _ => None,
    };
    Report::NoTimer { errno: errno.unwrap_or(libc::EAGAIN) }
}

impl Limit {
    /// Has the kernel end this process when its time is up.
    fn arm(&self) -> Result<(), Error> {
        static OVERDUE: fn() = overdue;
        timer::end_this_process(self.on_clock, self.grace, &OVERDUE)
    }
}

/// Says that the time is up: to the parent, and to the closure if it asks. Async-signal-safe.
fn overdue() {
    if let Some((region, index)) = ready::here() {
        let word = region.slot(index).state;
        word.expire(index as u16, word.state().generation());
    }
}
