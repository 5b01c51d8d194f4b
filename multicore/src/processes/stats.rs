//! A pool's statistics, put together from what client, supervisor and workers count.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::pool::{Place, Pool, default};
use crate::processes::client::Client;
use crate::processes::clock;
use crate::shm::region::Region;
use crate::shm::tally::{Replaced, Sums};
use crate::stats::{Histogram, RestartCounts, Stats, WorkerStats};

impl Pool {
    /// What the pool has done since it was opened.
    ///
    /// Nothing is measured for it that calls would wait for, so reading is all that it costs: some microseconds,
    /// more with many slots. Each call is counted in one place, and none is missed, also while calls run and workers
    /// die: where it was at some moment of the look. So with short calls more may be running than there are workers.
    /// Each worker's numbers are of one moment of its own; its times are up to a few calls behind, because short
    /// calls are timed several at a time, about 20 µs together, each with their mean.
    ///
    /// Calls that run in this process are not counted: where all do, everything is 0, and so it is in a forked
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
        match self.backend.place() {
            Place::Workers(client) if client.is_here() => client.stats(),
            Place::Workers(_) | Place::Here { .. } => Stats::default(),
        }
    }
}

/// What the default pool has done since it was opened, as [`Pool::stats`]; `None` while it is not open.
pub fn stats() -> Option<Stats> {
    default::opened().map(|pool| pool.stats())
}

impl Client {
    fn stats(&self) -> Stats {
        let totals = self.totals();
        let workers = 0..self.region.geometry().workers;
        let mut sums: Vec<Sums> = workers.map(|worker| read(&self.region, worker)).collect();
        let mut counts = self.account.counts();
        for (worker, sums) in sums.iter_mut().enumerate() {
            sums.busy = counts.busy(worker, sums.busy);
        }
        drop(counts);
        let workers = sums.iter().enumerate().map(|(worker, sums)| {
            let pid = self.region.worker(worker).pid.load(Relaxed) as i32;
            worker_stats(sums, (pid > 0 && !totals.over).then_some(pid))
        });
        let workers: Vec<WorkerStats> = workers.collect();
        let restarts = workers.iter().fold(RestartCounts::default(), |all, worker| all + worker.restarts);
        Stats {
            calls: totals.calls,
            queue_wait: sums.iter().map(|sums| Histogram::from(sums.waits)).sum(),
            run_time: sums.iter().map(|sums| Histogram::from(sums.runs)).sum(),
            bytes_sent: totals.bytes_sent,
            bytes_received: totals.bytes_received,
            restarts,
            supervisor_restarts: totals.supervisors,
            workers,
            elapsed: since(self.account.opened),
        }
    }
}

/// Before the numbers: what a worker has in hand is counted to a moment that it has not passed.
fn read(region: &Region, worker: usize) -> Sums {
    let now = clock::now();
    region.tally(worker).read(now, || region.worker(worker).calls.load(Relaxed))
}

fn worker_stats(sums: &Sums, pid: Option<i32>) -> WorkerStats {
    let replaced = |why| sums.replaced[why as usize];
    WorkerStats {
        pid,
        calls: sums.calls,
        busy: Duration::from_nanos(sums.busy),
        age: pid.map_or(Duration::ZERO, |_| since(sums.born)),
        restarts: RestartCounts {
            died: replaced(Replaced::Died),
            timed_out: replaced(Replaced::TimedOut),
            cancelled: replaced(Replaced::Cancelled),
            recycled: replaced(Replaced::Recycled),
        },
    }
}

fn since(moment: u64) -> Duration {
    Duration::from_nanos(clock::now().saturating_sub(moment))
}
