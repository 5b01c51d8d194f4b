//! Something to do when a thread ends, while its thread-local values are still there.
//!
//! A thread-local value is dropped before those that were first used earlier. What is kept in one for others is
//! dropped too late then: a connection whose maker was the first to use its library's thread-local values finds them
//! gone, and cannot say goodbye.

use std::cell::Cell;
use std::ffi::c_void;

/// Has `end` run when this thread ends, or when the process exits by it, before any thread-local value that
/// was used until now is dropped. Only the first call in a thread counts.
///
/// A forked child inherits it, so `end` must check whose process it is in. `_exit` and signals do not call it. Where
/// the C library is another one than glibc, nothing calls it.
pub(crate) fn before_locals(end: extern "C" fn(*mut c_void)) {
    thread_local! {
        /// It has nothing to drop, so it is there to the very end.
        static REGISTERED: Cell<bool> = const { Cell::new(false) };
    }
    if !REGISTERED.replace(true) {
        register(end);
    }
}

#[cfg(target_env = "gnu")]
fn register(end: extern "C" fn(*mut c_void)) {
    unsafe extern "C" {
        /// What this very executable or library is known by to the loader.
        static __dso_handle: u8;

        /// The newest is called first. The standard library has one for all its thread-local values.
        fn __cxa_thread_atexit_impl(
            end: extern "C" fn(*mut c_void),
            argument: *mut c_void,
            library: *const u8,
        ) -> std::ffi::c_int;
    }
    // SAFETY: `end` is a function, and the handle has the code stay loaded until it was called; it does not unwind,
    // which `extern "C"` turns into an abort. There is no memory to pass. Where none is left for the list, glibc
    // ends the process.
    unsafe { __cxa_thread_atexit_impl(end, std::ptr::null_mut(), &raw const __dso_handle) };
}

#[cfg(not(target_env = "gnu"))]
fn register(_end: extern "C" fn(*mut c_void)) {}
