//! A reference that can be replaced, and read at any moment: also in a signal handler or a panic hook.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The reference that was set last, if one was.
pub(crate) struct Latest<T: 'static>(AtomicPtr<T>);

impl<T: Sync> Latest<T> {
    pub(crate) const fn new() -> Latest<T> {
        Latest(AtomicPtr::new(ptr::null_mut()))
    }

    /// Replaces it.
    pub(crate) fn set(&self, value: &'static T) {
        self.0.store(ptr::from_ref(value).cast_mut(), Ordering::Release);
    }

    /// Async-signal-safe.
    #[inline]
    pub(crate) fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or made by `set` from a reference that lives for ever; `T: Sync`, so any thread may
        // have it.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }
}
