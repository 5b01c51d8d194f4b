//! An ordered group of calls.

use std::fmt;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::error::Result;
use crate::load;
use crate::many::group::Group;
use crate::many::on::On;
#[cfg(processes)]
use crate::pool::Place;
use crate::pool::Pool;

/// An ordered group of calls, collected together.
///
/// ```
/// #[multicore::task]
/// fn square(n: u64) -> u64 { n * n }
///
/// let mut task = multicore::Task::new();
/// for n in 0..4 { task.run(square::call(n))?; }
/// assert_eq!(task.get()?, [0, 1, 4, 9]);
/// # Ok::<(), multicore::Error>(())
/// ```
///
/// The Python package's `Task`. There a second `get` is a run-time error; here it does not compile.
#[must_use = "dropping a task throws its results away; its calls still run"]
pub struct Task<'p, R> {
    on: On<'p>,
    pub(super) calls: Group<R>,
}

impl<R: 'static> Task<'static, R> {
    /// A group on the default pool.
    pub fn new() -> Self {
        Task { on: On::Default(None), calls: Group::new() }
    }

    /// A group on the default pool, if the machine's one-minute load average is at most this share of
    /// its cores; `None` otherwise, and the caller takes the sequential path. 0.0 always refuses.
    ///
    /// # Panics
    /// When the share is negative, above 10 or not a number: Django's 85 is 0.85 here.
    pub fn with_max_load_average(share: f64) -> Option<Self> {
        if let Err(why) = load::check(share) {
            panic!("max_load_average: {why}");
        }
        load::allows(Some(share)).then(Task::new)
    }

    /// A group on the default pool, if the process-wide setting
    /// ([`Config::max_load_average`](crate::Config::max_load_average), `MULTICORE_MAX_LOAD_AVERAGE`)
    /// allows it.
    pub fn try_new() -> Option<Self> {
        load::allows(load::process_wide()).then(Task::new)
    }
}

impl<R: 'static> Default for Task<'static, R> {
    fn default() -> Self {
        Task::new()
    }
}

impl<'p, R: 'static> Task<'p, R> {
    /// A group on a pool of your own.
    pub fn on(pool: &'p Pool) -> Self {
        Task { on: On::Pool(pool), calls: Group::new() }
    }

    /// Sends a call off. Waits while every slot is queued or running, never for a result to be
    /// collected: any number of calls may be run before [`get`](Task::get).
    ///
    /// # Errors
    /// As [`Pool::spawn`].
    pub fn run(&mut self, call: Call<'_, R>) -> Result<()> {
        let pool = self.on.pool()?;
        #[cfg(processes)]
        if let Place::Workers(client) = pool.engine.place() {
            return self.calls.send(client, call);
        }
        self.calls.hold(pool.spawn(call)?);
        Ok(())
    }

    /// How many calls were run.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether no call was run.
    pub fn is_empty(&self) -> bool {
        self.calls.len() == 0
    }

    /// Ends every call that is not finished, as [`Handle::cancel`](crate::Handle::cancel) does.
    pub fn cancel(&self) {
        self.calls.cancel();
    }

    /// Waits for every call, then gives all results in order, or the first error in order.
    ///
    /// # Errors
    /// As [`Handle::get`](crate::Handle::get).
    pub fn get(self) -> Result<Vec<R>> {
        self.calls.into_results().collect()
    }

    /// Waits for every call, and gives what became of each, in order.
    pub fn get_all(self) -> Vec<Result<R>> {
        self.calls.into_results().collect()
    }

    /// Waits until fewer than so many calls are under way.
    pub(crate) fn wait_for_fewer_than(&mut self, most: usize) {
        self.calls.wait_for_fewer_than(most);
    }

    /// As [`get`](Task::get), at most this long; the group comes back when the time is up, and its
    /// calls go on.
    ///
    /// # Errors
    /// The group itself; within `Ok`, as [`get`](Task::get).
    pub fn get_timeout(self, timeout: Duration) -> Result<Result<Vec<R>>, Self> {
        let until = Instant::now().checked_add(timeout);
        if self.calls.wait_until(until) { Ok(self.get()) } else { Err(self) }
    }
}

/// All values, or the first error; every result is settled before either.
pub(crate) fn all_or_first_error<R>(results: Vec<Result<R>>) -> Result<Vec<R>> {
    results.into_iter().collect()
}

impl<R> fmt::Debug for Task<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("calls", &self.calls.len()).finish_non_exhaustive()
    }
}
