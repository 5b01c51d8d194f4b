//! A pool's statistics.

use crate::pool::{Place, Pool, default};
use crate::stats::Stats;

impl Pool {
    /// What the pool has done since it was opened.
    ///
    /// Nothing is measured for it that calls would wait for, so reading is all that it costs: some microseconds,
    /// more with many slots. Each call is counted in one place, and none is missed, also while calls run and workers
    /// die: where it was at some moment of the look. So with short calls more may be running than there are workers.
    /// Each worker's numbers are of one moment of its own; its times are up to a few calls behind, because short
    /// calls are timed several at a time, about 20 µs together, each with their mean.
    ///
    /// On threads ([`Backend::Threads`](crate::Backend::Threads)) all of it is of one moment, every call is measured
    /// by itself, and reports of what went wrong, which do not travel, are no bytes.
    ///
    /// Calls that run in the thread that makes them are not counted: where all do, everything is 0, and so it is in a forked
    /// child, whose pool this is not. They can be read after [`shutdown`](Pool::shutdown) as well.
    ///
    /// ```
    /// #[multicore::task]
    /// fn square(n: u64) -> u64 {
    ///     n * n
    /// }
    ///
    /// let pool = multicore::Pool::builder().workers(2).build()?;
    /// let before = pool.stats();
    /// for n in 0..10 {
    ///     pool.spawn(square::call(n))?.get()?;
    /// }
    /// let stats = pool.stats().since(&before);
    /// assert_eq!((stats.calls.accepted(), stats.calls.done), (10, 10));
    /// println!("{stats}");
    /// # Ok::<(), multicore::Error>(())
    /// ```
    pub fn stats(&self) -> Stats {
        match self.engine.place() {
            #[cfg(processes)]
            Place::Workers(client) if client.is_here() => client.stats(),
            #[cfg(threads)]
            Place::Threads(threads) => threads.desk.stats(),
            _ => Stats::default(),
        }
    }
}

/// What the default pool has done since it was opened, as [`Pool::stats`]; `None` while it is not open.
pub fn stats() -> Option<Stats> {
    default::opened().map(|pool| pool.stats())
}
