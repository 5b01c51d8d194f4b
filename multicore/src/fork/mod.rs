//! A closure in a child of this very process, made now: it sees all memory as it is.
//!
//! ```text
//! this process                                   child
//!
//! region of one slot, for the result  ═════════▶ (inherited)
//! reserve, publish, fork ──────────────────────▶ claim, begin, run the closure, encode, finish, _exit
//! wait for its end on a pidfd, collect it,
//! read the result ◀═══════════════════════════
//! ```
//!
//! The slot's word says how far the child came, by the verbs of `shm/word.rs`: nothing in it but `finish` makes
//! a result of what lies in the window. There is no supervisor. The kernel ends the child with this process (the
//! parent-death signal: this process had one thread when it forked) and at its deadline (timers of the child's
//! own); whoever waits for the child sees to the deadline as well.

mod child;
mod children;
mod handle;
mod value;

use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::config;
use crate::error::Result;
use crate::private::ForkedResult;
use crate::processes::{clock, map};
use crate::shm::layout::Geometry;
use crate::shm::region::Region;
use crate::shm::word::Word;
use crate::sys::process::Fork as Side;
use crate::sys::signals::Deaf;
use crate::sys::{pidfd, process};
use child::Orders;
use children::{Child, Limit};
pub use handle::Forked;

/// The number of a child in its region, which has no other.
const INDEX: usize = 0;
/// Between SIGTERM and SIGKILL, as for pools.
const GRACE: Duration = Duration::from_millis(100);

/// Runs a closure in a child of this process that is forked now.
///
/// The child sees all memory as it is at this moment, copy on write: nothing is serialised but the result, so
/// the closure may be any, and may borrow. This process sees nothing of what the child changes. The result is
/// anything that owns what it holds and implements serde's `Serialize` and `DeserializeOwned`: text and vectors of
/// numbers come back at the speed of a memory copy, all else by serde.
///
/// While other threads exist it is refused: a fork copies one thread, and a lock that another one holds would
/// stay locked in the child for ever. A thread that was joined just now may still be seen; up to 10 ms are
/// waited for it to be gone. In a function that takes the place of `#[multicore::task]` for one call, see
/// [`#[multicore::forked]`](macro@crate::forked); [`Fork`] has the options.
///
/// ```
/// # fn main() -> multicore::Result<()> {
/// let words = vec!["all", "memory", "as", "it", "is"];
/// let longest = multicore::fork(|| words.iter().map(|word| word.len()).max())?;
/// assert_eq!(longest.join()?, Some(6));
/// # Ok(())
/// # }
/// ```
///
/// # What the child is
///
/// - **Its life**: it ends with the closure and the [resources](macro@crate::resource) that it made, without other
///   destructors, `atexit` functions or another look at the caller's code. At the latest it ends with this process, however that ends; what the closure started and left
///   in the child's process group ends when the child is joined.
/// - **Values that the closure captures by move** exist twice, and are dropped on both sides. Let it borrow what
///   does something to the outside when it is dropped, such as a temporary folder.
/// - **Descriptors** stay open, standard input too: a copy of a pipe's end in the child hides the end of file
///   from the pipe's reader.
/// - **Signals**: handlers are set back to the default, what is ignored stays ignored. The child leads a process
///   group of its own, so an interrupt from the terminal does not reach it; reading from the terminal is an error
///   there.
/// - **Pools** of this process cannot be used there ([`Error::Closed`](crate::Error::Closed)); it can make its
///   own. Inside of a worker a fork works as well; the child ends with the worker.
/// - It is an ordinary child for whoever calls `wait` or handles SIGCHLD, as those of `std::process` are. That
///   somebody else collects it is no error; how it died is not known then.
///
/// # Errors
/// `Threads` while other threads exist; `Os` when the kernel refuses; `Config` for a bad
/// `MULTICORE_PAYLOAD_LIMIT`.
#[track_caller]
pub fn fork<R, F>(closure: F) -> Result<Forked<R>>
where
    R: ForkedResult,
    F: FnOnce() -> R,
{
    Fork::new().spawn(closure)
}

/// The options of a [`fork`].
///
/// ```
/// use std::time::Duration;
/// use multicore::{Error, Fork};
///
/// # fn main() -> multicore::Result<()> {
/// let endless = Fork::new().name("endless").timeout(Duration::from_millis(50)).spawn(|| loop {
///     std::thread::park();
/// });
/// let error = Forked::<()>::join(endless?).unwrap_err();
/// # use multicore::Forked;
/// assert!(matches!(error, Error::TimedOut { task, .. } if task == "endless"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is forked before `spawn`"]
pub struct Fork {
    name: Option<String>,
    timeout: Option<Duration>,
    grace: Option<Duration>,
    payload_limit: Option<u64>,
}

impl Fork {
    /// No option set.
    pub fn new() -> Fork {
        Fork::default()
    }

    /// What errors call the closure, and its process `ps`; by default the place in the source.
    pub fn name(mut self, name: impl Into<String>) -> Fork {
        self.name = Some(name.into());
        self
    }

    /// Ends the child when it runs longer than this, counted from the fork: SIGTERM to its process group, and
    /// SIGKILL after the [`grace`](Fork::grace). By default it runs as long as it likes.
    ///
    /// The kernel sees to it by timers of the child's own, whether anybody waits or not; the child keeps
    /// SIGRTMAX for that. The timers end where the closure calls `exec`: from there on whoever joins it sees to it.
    pub fn timeout(mut self, timeout: Duration) -> Fork {
        self.timeout = Some(timeout);
        self
    }

    /// How long the child may take to end after SIGTERM; 100 ms by default.
    pub fn grace(mut self, grace: Duration) -> Fork {
        self.grace = Some(grace);
        self
    }

    /// The most bytes that the encoded result may take, as [`Config::payload_limit`](crate::Config::payload_limit).
    pub fn payload_limit(mut self, bytes: u64) -> Fork {
        self.payload_limit = Some(bytes);
        self
    }

    /// Forks, and runs the closure in the child.
    ///
    /// # Errors
    /// As [`fork`]; `Config` for a limit out of range.
    #[track_caller]
    pub fn spawn<R, F>(self, closure: F) -> Result<Forked<R>>
    where
        R: ForkedResult,
        F: FnOnce() -> R,
    {
        let place = Location::caller();
        let title = self.name.clone().unwrap_or_else(|| "forked".to_owned());
        let name = self.name.clone().unwrap_or_else(|| format!("fork at {}:{}", place.file(), place.line()));
        self.start(name, &title, closure)
    }

    /// As [`spawn`](Fork::spawn); the process is called by its `title`.
    pub(crate) fn start<R, F>(self, name: String, title: &str, closure: F) -> Result<Forked<R>>
    where
        R: ForkedResult,
        F: FnOnce() -> R,
    {
        children::look_after();
        process::single_threaded()?;
        let region = self.region()?;
        // Whether the kernel knows the call, and a number that the child's descriptor will find free: a child
        // that runs already should not have to be ended for want of one.
        let reserved = pidfd::of_self()?;
        let limit = self.limit();
        let orders = Orders { title, parent: Pid::this(), limit: limit.as_ref() };
        process::flush_output();
        let deaf = Deaf::begin();
        match process::fork()? {
            Side::Child => child::live(&orders, &region, closure),
            Side::Parent(pid) => {
                process::lead_group(pid);
                drop((deaf, reserved));
                Child::adopt(name, pid, region, limit).map(Forked::of)
            }
        }
    }

    /// A region of one slot, whose call is ready.
    fn region(&self) -> Result<Arc<Region>> {
        let window = config::payload_limit(self.payload_limit)?;
        let (region, _file) = map::make(Geometry { slots: 1, workers: 1, window })?;
        map::provide_headers(&region)?;
        let word = region.slot(INDEX).state;
        if let Some(generation) = word.reserve() {
            word.publish(generation);
        }
        Ok(Arc::new(region))
    }

    /// The deadline, on both clocks; none where it is beyond them.
    fn limit(&self) -> Option<Limit> {
        let (timeout, grace) = (self.timeout?, self.grace.unwrap_or(GRACE));
        let on_clock = Duration::from_nanos(clock::now()).checked_add(timeout)?;
        let due = Instant::now().checked_add(timeout)?;
        due.checked_add(grace)?.checked_add(children::SLACK)?;
        Some(Limit { timeout, grace, due, on_clock })
    }
}
