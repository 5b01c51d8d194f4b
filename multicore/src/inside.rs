//! What a task function asks and says while it runs.

use std::fmt::{self, Write};

#[cfg(processes)]
use crate::processes::worker::ready;

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
/// On a thread ([`Backend::Threads`](crate::Backend::Threads)) the thread that runs the call can ask, no other; nothing
/// ends a call there but its own return.
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
    #[cfg(processes)]
    if let Some(ends) = in_process::ends() {
        return ends;
    }
    on_thread::ends()
}

/// Says how far the call has come, for whoever asks [`Handle::progress`](crate::Handle::progress) or
/// [`Job::progress`](crate::Job::progress): `done` of `total` of whatever is counted, 0 where the total is unknown,
/// and what it is at.
///
/// Some nanoseconds, so that an inner loop can say it each time round: a few stores, and a comparison with the last
/// message, which is written where it is another one. Its first 256 bytes are kept. Whoever asks while it runs sees
/// the numbers and the message of one report, never halves of two. Threads that the function starts can say it as
/// well; of those that do at the same moment, reports may mix. Outside of a worker nothing happens.
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
    #[cfg(processes)]
    if in_process::says(done, total, message) {
        return;
    }
    on_thread::progress(done, total, message);
}

/// Says where the call is, for whoever asks after the worker has died: the last breadcrumb stands in
/// [`Error::Died`](crate::Error::Died), in [`Error::TimedOut`](crate::Error::TimedOut) and, while the
/// call runs, in [`Pool::state`](crate::Pool::state).
///
/// Some thirty nanoseconds: the text is copied into shared memory, no more. Its first 256 bytes are kept.
/// `format_args!` makes a text without an allocation. Outside of workers and forked children
/// nothing happens. On a thread ([`Backend::Threads`](crate::Backend::Threads)) it costs an allocation, and stands in
/// `Pool::state` alone.
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
    #[cfg(processes)]
    if let Some((region, index)) = ready::here() {
        return region.worker(index).breadcrumb.set(Line::of(text).text());
    }
    if on_thread::is_in_call() {
        on_thread::say(Line::of(text).text());
    }
}

/// The call that this worker process runs.
#[cfg(processes)]
mod in_process {
    use std::sync::atomic::Ordering::Relaxed;

    use crate::processes::worker::ready;
    use crate::shm::layout::WorkerRecord;
    use crate::shm::steps;
    use crate::shm::word::{Phase, State, Word};

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

    /// Whether its call is to end; `None` where this process runs none.
    #[inline]
    pub(super) fn ends() -> Option<bool> {
        let (record, _, state) = own_call()?;
        if record.asks.load(Relaxed) != state.generation() {
            record.asks.store(state.generation(), Relaxed);
        }
        Some(state.expired() || state.cancelled())
    }

    /// Says how far its call has come; whether this process runs one.
    #[inline]
    pub(super) fn says(done: u64, total: u64, message: &str) -> bool {
        let Some((record, slot, state)) = own_call() else { return false };
        record.steps.set(steps::name(slot, state.generation()), done, total, message);
        true
    }
}

/// The call that this thread runs, where calls run on threads.
#[cfg(threads)]
mod on_thread {
    use crate::threads::around::current;

    pub(super) fn ends() -> bool {
        current(|work| work.ends()).unwrap_or(false)
    }

    pub(super) fn is_in_call() -> bool {
        current(|_| ()).is_some()
    }

    pub(super) fn say(text: &str) {
        current(|work| work.say(text));
    }

    pub(super) fn progress(done: u64, total: u64, message: &str) {
        current(|work| work.come(done, total, message));
    }
}

/// There are none.
#[cfg(not(threads))]
mod on_thread {
    pub(super) fn ends() -> bool {
        false
    }

    pub(super) fn is_in_call() -> bool {
        false
    }

    pub(super) fn say(_text: &str) {}

    pub(super) fn progress(_done: u64, _total: u64, _message: &str) {}
}

/// Text on the stack.
struct Line {
    bytes: [u8; Line::MOST],
    len: usize,
}

impl Line {
    const MOST: usize = 256;

    fn of(text: impl fmt::Display) -> Line {
        let mut line = Line { bytes: [0; Line::MOST], len: 0 };
        // Fails when the line is full, or where the user's `Display` does: what there is counts.
        let _ = write!(line, "{text}");
        line
    }

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
