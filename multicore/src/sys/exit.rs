//! Something to do when the process ends normally.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

static REGISTERED: AtomicBool = AtomicBool::new(false);

/// Has `stop` called when the process returns from `main` or calls `exit`; only the first call counts.
///
/// A forked child inherits it, so `stop` must check whose process it is in. `_exit`, `abort` and
/// signals do not call it.
///
/// # Errors
/// `Os` from `atexit`, when there is no memory; the next call tries again.
pub(crate) fn at_exit(stop: extern "C" fn()) -> Result<()> {
    if REGISTERED.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    // SAFETY: `stop` is a function, so it lives as long as the code does; libc drops the registration
    // when the code is unloaded.
    if unsafe { libc::atexit(stop) } == 0 {
        return Ok(());
    }
    REGISTERED.store(false, Ordering::Release);
    Err(Error::os("atexit", io::Error::from_raw_os_error(libc::ENOMEM)))
}
