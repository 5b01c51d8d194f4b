//! With the feature `sandbox`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sys::sandbox::{self, Own};

/// The most bytes of paths, which travel in one message.
const MOST_PATHS: usize = 16 << 10;

/// The sandbox of a pool's workers, for tasks that parse files nobody trusts: see
/// [`Config::sandbox`](crate::Config::sandbox).
///
/// Before its first call, and after its start functions
/// ([`#[multicore::worker_start]`](macro@crate::worker_start)), a worker gives up for good
///
/// - every file but those at or below the paths that [`read`](Sandbox::read) names, which it may read; it
///   writes to none (landlock, and seccomp once more);
/// - the network, other processes, and all kernel calls but a list of what computing needs: memory, threads,
///   time, random numbers, reading, printing (seccomp, with EPERM for the rest; and landlock as far as this
///   kernel's version goes);
/// - and whatever rights a set-user-ID program would give it (`no_new_privs`).
///
/// A sandboxed pool also starts its workers in another way:
///
/// - by [`Start::Exec`](crate::Start::Exec), whatever the program's method is, because a fork would carry
///   this program's memory along; and with an empty environment but for
///   [`Config::env`](crate::Config::env), so a backtrace needs `.env("RUST_BACKTRACE", "1")`. The arguments
///   and the folder are this program's.
/// - Each worker maps a private region of its own, from which the supervisor takes the results and into
///   which it puts the arguments: a worker can neither see nor forge another worker's calls, whatever it
///   writes. One call takes longer by some tens of microseconds, and large payloads are copied once more each way.
/// - Calls never run in this process: they are [`Error::Refused`](crate::Error::Refused) there.
///
/// What it does *not* promise: a worker that one call took over sees and answers the later calls that it is
/// handed itself, so where callers must not learn of each other, add
/// [`Config::max_calls`](crate::Config::max_calls)`(1)`. It can see that a file exists, how large it is and
/// when it was changed; print; measure how busy caches and disks are; and use up the cores and the memory
/// that it is left: [`timeout`](crate::Config::timeout), [`data_limit`](crate::Config::data_limit) and
/// [`payload_limit`](crate::Config::payload_limit) bound them. What start functions have opened stays open,
/// as do the descriptors that [`keep_fds`](crate::Config::keep_fds) names.
///
/// Start functions run before, exit functions inside of the sandbox. Each worker takes two descriptors in
/// the supervisor: hundreds of workers need a higher `ulimit -n`.
///
/// ```
/// use multicore::{Pool, Sandbox};
///
/// #[multicore::task(error = "text")]
/// fn read(path: &str) -> std::io::Result<usize> {
///     Ok(std::fs::read(path)?.len())
/// }
///
/// # fn main() -> multicore::Result<()> {
/// let pool = Pool::builder().workers(1).sandbox(Sandbox::new().read("/proc/version")).build()?;
/// assert!(pool.spawn(read::call("/proc/version"))?.get()?.is_ok());
/// assert!(pool.spawn(read::call("/etc/passwd"))?.get()?.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[must_use]
pub struct Sandbox {
    read: Vec<OsString>,
    landlock: bool,
    seccomp: bool,
}

impl Sandbox {
    /// Nothing can be opened.
    pub fn new() -> Sandbox {
        Sandbox { read: Vec::new(), landlock: true, seccomp: true }
    }

    /// Lets workers read this file, or all that is below this folder. It must exist when the pool is made;
    /// symbolic links on the way to it are followed then.
    pub fn read(mut self, path: impl Into<PathBuf>) -> Sandbox {
        self.read.push(path.into().into_os_string());
        self
    }

    /// Does without landlock, where the kernel has none (before Linux 5.13, or not enabled): workers can
    /// then read whatever this user can, and still write nothing.
    pub fn without_landlock(mut self) -> Sandbox {
        self.landlock = false;
        self
    }

    /// Does without seccomp, where a container forbids it: workers can then start processes and, before
    /// landlock's newer versions, reach the network and send signals.
    pub fn without_seccomp(mut self) -> Sandbox {
        self.seccomp = false;
        self
    }

    /// Finds the paths, and asks the kernel whether it can do what is wanted.
    ///
    /// # Errors
    /// `Config` for a path that is not there; `Os` from `landlock_create_ruleset` or `seccomp`.
    pub(crate) fn check(mut self) -> Result<Sandbox> {
        for path in &mut self.read {
            *path = found(Path::new(path))?;
        }
        let bytes: usize = self.read.iter().map(|path| path.len() + 16).sum();
        if bytes > MOST_PATHS {
            return Err(Error::config("sandbox", "so many paths are too long; name the folders above them"));
        }
        if self.landlock {
            sandbox::check_landlock()?;
        }
        if self.seccomp {
            sandbox::check_seccomp()?;
        }
        Ok(self)
    }

    /// Whether a worker can write to no other process's memory, however it tries: it can open nothing to be
    /// written to.
    pub(crate) fn keeps_to_own_memory(&self) -> bool {
        self.seccomp
    }

    /// In a worker, once and for good.
    ///
    /// # Errors
    /// In words: what the kernel refused.
    pub(crate) fn enter(&self, own: &Own) -> Result<(), String> {
        sandbox::no_new_privileges().map_err(|error| error.to_string())?;
        if self.landlock {
            sandbox::restrict_files(&self.read)?;
        }
        if self.seccomp {
            sandbox::restrict_calls(own)?;
        }
        Ok(())
    }
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox::new()
    }
}

/// The path without links, which means the same in another folder.
fn found(path: &Path) -> Result<OsString> {
    std::fs::canonicalize(path)
        .map(PathBuf::into_os_string)
        .map_err(|error| Error::config("sandbox", format!("`{}` cannot be read: {error}", path.display())))
}
