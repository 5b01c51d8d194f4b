//! What a task function asks and says while it runs.

use std::fmt::{self, Write};
use std::sync::atomic::Ordering::Relaxed;

use crate::processes::worker::ready;
use crate::shm::layout::WorkerRecord;
use crate::shm::steps;
use crate::shm::word::{Phase, State, Word};

/// Whether the call that this worker runs is to end: its time is up, or its caller cancelled it.
///
/// A function that asks gets half of [`Config::grace`](crate::Config::grace) to clean up and return
/// before its worker is sent SIGTERM; one that never asks is sent it at once. Whatever the function
/// returns then, the caller gets [`Error::TimedOut`](crate::Error::TimedOut) or
/// [`Error::Cancelled`](crate::Error::Cancelled), and the worker runs its exit hooks and is replaced.
///
/// Costs a few nanoseconds, so an inner loop can ask each time round. Threads that the function
/// starts can ask as well. A forked child whose deadline has come is told as well, together with SIGTERM.
/// Everywhere else it is always `false`.
///
/// ```
/// #[multicore::task(timeout = "10s")]
/// fn count(to: u64) -> u64 {
///     (0..to).take_while(|_| !multicore::cancelled()).count() as u64
/// }
///
/// assert_eq!(count::call(1000).get()?, 1000);
/// # Ok::<(), multicore::Error>(())
/// ```
#[inline]
#[must_use]
pub fn cancelled() -> bool {
    let Some((record, _, state)) = own_call() else { return false };
    if record.asks.load(Relaxed) != state.generation() {
        record.asks.store(state.generation(), Relaxed);
    }
    state.expired() || state.cancelled()
}

/// The call that this worker runs: the worker's record, the call's slot and its word.
#[inline]
fn own_call() -> Option<(&'static WorkerRecord, usize, State)> {
    let (region, index) = ready::here()?;
    let record = region.worker(index);
    let slot = (record.current.load(Relaxed) as usize).checked_sub(1)?;
    let state = (slot < region.geometry().slots).then(|| region.slot(slot).state.state())?;
    let own = state.phase() == Some(Phase::Running) && usize::from(state.owner()) == index;
    own.then_some((record, slot, state))
}

/// Says how far the call has come, for whoever asks [`Handle::progress`](crate::Handle::progress) or
/// [`Job::progress`](crate::Job::progress): `done` of `total` of whatever is counted, 0 where the total is unknown,
/// and what it is at.
///
/// Some nanoseconds, so that an inner loop can say it each time round: two stores, and a comparison with the last
/// message, which is written where it is another one. Its first 256 bytes are kept. Threads that the function
/// starts can say it as well. Outside of a worker nothing happens.
///
/// ```
/// #[multicore::task]
/// fn convert(pages: u64) -> u64 {
///     for page in 0..pages {
///         multicore::progress(page, pages, "converting");
///     }
///     multicore::progress(pages, pages, "written");
///     pages
/// }
///
/// let handle = convert::call(20).spawn()?;
/// if let Some(progress) = handle.progress() {
///     println!("{:.0} % {}", 100.0 * progress.fraction(), progress.message);
/// }
/// assert_eq!(handle.get()?, 20);
/// # Ok::<(), multicore::Error>(())
/// ```
#[inline]
pub fn progress(done: u64, total: u64, message: &str) {
    if let Some((record, slot, state)) = own_call() {
        record.steps.set(steps::name(slot, state.generation()), done, total, message);
    }
}

/// Says where the call is, for whoever asks after the worker has died: the last breadcrumb stands in
/// [`Error::Died`](crate::Error::Died), in [`Error::TimedOut`](crate::Error::TimedOut) and, while the
/// call runs, in [`Pool::state`](crate::Pool::state).
///
/// Some thirty nanoseconds: the text is copied into shared memory, no more. Its first 256 bytes are kept.
/// `format_args!` makes a text without an allocation. Outside of workers and forked children
/// nothing happens.
///
/// ```
/// #[multicore::task]
/// fn convert(path: &str, pages: u32) {
///     for page in 1..=pages {
///         multicore::breadcrumb(format_args!("page {page} of {path}"));
///         if page == 12 {
///             std::process::abort();
///         }
///     }
/// }
///
/// let error = convert::call("a.pdf", 20).get().unwrap_err();
/// assert!(error.to_string().ends_with("(last seen at: page 12 of a.pdf)"), "{error}");
/// ```
pub fn breadcrumb(text: impl fmt::Display) {
    let Some((region, index)) = ready::here() else { return };
    let mut line = Line { bytes: [0; Line::MOST], len: 0 };
    // Fails when the line is full, or where the user's `Display` does: what there is counts.
    let _ = write!(line, "{text}");
    region.worker(index).breadcrumb.set(line.text());
}

/// Text on the stack.
struct Line {
    bytes: [u8; Line::MOST],
    len: usize,
}

impl Line {
    const MOST: usize = 256;

    fn text(&self) -> &str {
        // Always whole characters.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut end = text.len().min(Line::MOST - self.len);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.bytes[self.len..][..end].copy_from_slice(&text.as_bytes()[..end]);
        self.len += end;
        if end == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}
