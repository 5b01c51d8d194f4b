//! Something to do when the process ends normally.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// A function to be called when the process returns from `main` or calls `exit`, once it is registered.
///
/// A forked child inherits it, so it must check whose process it is in. `_exit`, `abort` and signals do not
/// call it.
pub(crate) struct AtExit {
    stop: extern "C" fn(),
    registered: AtomicBool,
}

impl AtExit {
    pub(crate) const fn new(stop: extern "C" fn()) -> AtExit {
        AtExit { stop, registered: AtomicBool::new(false) }
    }

    /// Only the first call counts.
    ///
    /// # Errors
    /// `Os` from `atexit`, when there is no memory; the next call tries again.
    pub(crate) fn register(&self) -> Result<()> {
        if self.registered.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // SAFETY: `stop` is a function, so it lives as long as the code does; libc drops the registration
        // when the code is unloaded.
        if unsafe { libc::atexit(self.stop) } == 0 {
            return Ok(());
        }
        self.registered.store(false, Ordering::Release);
        Err(Error::os("atexit", io::Error::from_raw_os_error(libc::ENOMEM)))
    }
}
