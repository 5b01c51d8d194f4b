//! An ordered group of calls.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::error::Result;
use crate::handle::Handle;
use crate::load;
use crate::pool::client::{Client, NotSent, WhenFull};
use crate::pool::{Place, Pool, default};

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
    handles: Vec<Handle<R>>,
    /// Those whose results were not taken in yet.
    pending: Vec<usize>,
}

enum On<'p> {
    /// Opened at the first call.
    Default(Option<Arc<Pool>>),
    Pool(&'p Pool),
}

impl<R: 'static> Task<'static, R> {
    /// A group on the default pool.
    pub fn new() -> Self {
        Task { on: On::Default(None), handles: Vec::new(), pending: Vec::new() }
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
        Task { on: On::Pool(pool), handles: Vec::new(), pending: Vec::new() }
    }

    /// Sends a call off. Waits while every slot is queued or running, never for a result to be
    /// collected: any number of calls may be run before [`get`](Task::get).
    ///
    /// # Errors
    /// As [`Pool::spawn`].
    pub fn run(&mut self, call: Call<'_, R>) -> Result<()> {
        let pool = match &mut self.on {
            On::Pool(pool) => *pool,
            On::Default(Some(pool)) => &**pool,
            On::Default(none) => &**none.insert(default::pool()?),
        };
        let handle = match pool.backend.place() {
            Place::Workers(client) => send(client, call, &mut self.handles, &mut self.pending)?,
            Place::Here { .. } => pool.spawn(call)?,
        };
        self.pending.push(self.handles.len());
        self.handles.push(handle);
        Ok(())
    }

    /// How many calls were run.
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Whether no call was run.
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// Ends every call that is not finished, as [`Handle::cancel`] does.
    pub fn cancel(&self) {
        self.handles.iter().for_each(Handle::cancel);
    }

    /// Waits for every call, then gives all results in order, or the first error in order.
    ///
    /// # Errors
    /// As [`Handle::get`].
    pub fn get(self) -> Result<Vec<R>> {
        all_or_first_error(self.get_all())
    }

    /// Waits for every call, and gives what became of each, in order.
    pub fn get_all(self) -> Vec<Result<R>> {
        self.wait_until(None);
        self.handles.into_iter().map(Handle::get).collect()
    }

    /// Waits until fewer than so many calls are under way.
    pub(crate) fn wait_for_fewer_than(&mut self, most: usize) {
        while self.pending.len() >= most {
            self.handles[self.pending[0]].wait_until(None);
            bring_in(&mut self.handles, &mut self.pending);
        }
    }

    /// Whether every result is there at the moment, `None` for ever.
    fn wait_until(&self, until: Option<Instant>) -> bool {
        // The last one first: once it is there few others are not, and this thread has slept once.
        self.pending.iter().rev().all(|&at| self.handles[at].wait_until(until))
    }

    /// As [`get`](Task::get), at most this long; the group comes back when the time is up, and its
    /// calls go on.
    ///
    /// # Errors
    /// The group itself; within `Ok`, as [`get`](Task::get).
    pub fn get_timeout(self, timeout: Duration) -> Result<Result<Vec<R>>, Self> {
        let until = Instant::now().checked_add(timeout);
        if self.wait_until(until) { Ok(self.get()) } else { Err(self) }
    }
}

/// Sends a call off; while no slot is free, takes in what this group has in slots already.
fn send<R: 'static>(
    client: &Arc<Client>,
    mut call: Call<'_, R>,
    handles: &mut [Handle<R>],
    pending: &mut Vec<usize>,
) -> Result<Handle<R>> {
    loop {
        call = match Handle::send(client, call, WhenFull::Return) {
            Ok(handle) => return Ok(handle),
            Err(NotSent::Failed(error)) => return Err(error),
            Err(NotSent::Full(call)) => call,
        };
        client.wait_for_room();
        if !bring_in(handles, pending) {
            // They are somebody else's.
            client.sweep();
        }
    }
}

/// Looks at so many calls that are not finished before it takes it that the later ones are not either.
const UNFINISHED: usize = 32;

/// Takes in results that are there, in about the order of arrival; whether there were any.
fn bring_in<R: 'static>(handles: &mut [Handle<R>], pending: &mut Vec<usize>) -> bool {
    let (mut brought, mut unfinished) = (0, 0);
    pending.retain(|&at| {
        // To look at a call is to take the line of its word from the worker that is at it.
        let finished = (brought == 0 || unfinished < UNFINISHED) && handles[at].bring_in();
        *if finished { &mut brought } else { &mut unfinished } += 1;
        !finished
    });
    brought != 0
}

/// All values, or the first error; every result is settled before either.
pub(crate) fn all_or_first_error<R>(results: Vec<Result<R>>) -> Result<Vec<R>> {
    results.into_iter().collect()
}

impl<R> fmt::Debug for Task<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("calls", &self.handles.len()).finish_non_exhaustive()
    }
}
