//! A static that each process has for itself: a forked child makes its own.
//!
//! The parent's is left alone in the child, locks that other threads of the parent held and all.

use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::fork_guard::{self, Token};

/// Made at first use in each process, and never dropped.
pub(crate) struct PerProcess<T: 'static> {
    made: AtomicPtr<Made<T>>,
    make: fn() -> T,
}

struct Made<T> {
    value: T,
    made_in: Token,
}

impl<T: Send + Sync> PerProcess<T> {
    pub(crate) const fn new(make: fn() -> T) -> PerProcess<T> {
        PerProcess { made: AtomicPtr::new(ptr::null_mut()), make }
    }

    /// This process's own.
    pub(crate) fn get(&self) -> &'static T {
        loop {
            let seen = self.made.load(Acquire);
            // SAFETY: null, or a box that was leaked below, of which there are only shared references.
            match unsafe { seen.as_ref() } {
                Some(made) if !fork_guard::in_forked_child(made.made_in) => return &made.value,
                _ => {}
            }
            let made = Box::new(Made { value: (self.make)(), made_in: fork_guard::token() });
            let made = Box::into_raw(made);
            if self.made.compare_exchange(seen, made, AcqRel, Acquire).is_err() {
                // SAFETY: leaked just now, and nobody else has seen it: another thread was faster.
                drop(unsafe { Box::from_raw(made) });
            }
        }
    }
}
