//! What a pool does at the moment, as far as it can be seen from outside.

use crate::pool::{Place, Pool};

/// A look at a pool. Everything moves on while it is taken; each part was true at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolState {
    /// Calls that wait for a worker.
    pub queued: usize,
    /// Each worker, by its number; empty where calls run in the thread that makes them.
    pub workers: Vec<WorkerState>,
}

/// A look at one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerState {
    /// Its process; `None` while it is being replaced, and where it is a thread.
    pub pid: Option<i32>,
    /// Calls that it has begun.
    pub calls: u64,
    /// The name of the task that it runs; `None` while it is idle.
    pub task: Option<&'static str>,
    /// What the call that it runs said last of where it is, by [`breadcrumb`](crate::breadcrumb()).
    pub breadcrumb: Option<String>,
}

impl Pool {
    /// What each worker does now. Costs a few microseconds; in a sandboxed pool up to 100 ms, where its
    /// supervisor does not answer.
    ///
    /// ```
    /// let pool = multicore::Pool::builder().workers(2).build()?;
    /// assert_eq!(pool.state().workers.len(), 2);
    /// # Ok::<(), multicore::Error>(())
    /// ```
    pub fn state(&self) -> PoolState {
        match self.engine.place() {
            #[cfg(processes)]
            Place::Workers(client) => client.seen(),
            #[cfg(threads)]
            Place::Threads(threads) => threads.desk.look(),
            Place::Here { .. } => PoolState { queued: 0, workers: Vec::new() },
        }
    }
}
