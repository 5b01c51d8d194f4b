//! Around each call, wherever it runs: which resources it borrowed, whether it failed, and what is done after it.
//!
//! Generated code has one of these around each call of a task function; a stage of `map_reduce!` has one around all
//! of its functions. Of calls within calls the outermost counts: what an inner one left behind may be just what the
//! outer one wants.

use std::cell::Cell;
use std::marker::PhantomData;
use std::thread;

use super::{settle, store};
use crate::pool::in_worker;

thread_local! {
    /// How many calls this thread is within.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The number of the one that began last; they only grow.
    static CALL: Cell<u64> = const { Cell::new(0) };
    /// The number of the outermost.
    static OUTERMOST: Cell<u64> = const { Cell::new(0) };
    /// Whether the outermost has borrowed something.
    static USED: Cell<bool> = const { Cell::new(false) };
}

/// A call that this thread runs, from before its first step to after its last.
#[must_use = "the call is over when this is dropped"]
pub struct Scope {
    /// The number of this one.
    number: u64,
    here: PhantomData<*const ()>,
}

impl Scope {
    /// A call begins here.
    #[inline]
    pub fn enter() -> Scope {
        let number = CALL.get() + 1;
        CALL.set(number);
        if DEPTH.replace(DEPTH.get() + 1) == 0 {
            OUTERMOST.set(number);
        }
        Scope { number, here: PhantomData }
    }

    /// The function has returned; `failed`: an `Err`.
    #[inline]
    pub fn end(self, failed: bool) {
        if failed && USED.get() {
            store::suspect_since(self.number, false);
        }
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        if USED.get() {
            leave(self.number);
        }
        DEPTH.set(DEPTH.get() - 1);
    }
}

#[cold]
fn leave(number: u64) {
    if thread::panicking() {
        store::suspect_since(number, true);
    }
    if DEPTH.get() == 1 {
        settle::settle(number);
        USED.set(false);
    }
}

/// Runs a call's work; `failed` says whether its outcome is a failure.
pub(crate) fn around<T>(work: impl FnOnce() -> T, failed: impl FnOnce(&T) -> bool) -> T {
    let scope = Scope::enter();
    let outcome = work();
    scope.end(failed(&outcome));
    outcome
}

/// Whether this thread runs a call.
pub(super) fn in_call() -> bool {
    DEPTH.get() > 0
}

/// A value is borrowed now: the number of the call, and that of the outermost around it. Outside of calls each time
/// is one of its own.
pub(super) fn borrows() -> (u64, u64) {
    if in_call() {
        USED.set(true);
        return (CALL.get(), OUTERMOST.get());
    }
    CALL.set(CALL.get() + 1);
    (CALL.get(), CALL.get())
}

/// Whether this thread runs a call, or has nothing else to do.
pub(super) fn is_of_calls() -> bool {
    in_call() || in_worker() || in_forked_child()
}

#[cfg(processes)]
fn in_forked_child() -> bool {
    crate::processes::worker::ready::here().is_some()
}

#[cfg(not(processes))]
fn in_forked_child() -> bool {
    false
}
