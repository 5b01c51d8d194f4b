//! A pool's statistics, put together from what client, supervisor and workers count.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::processes::client::Client;
use crate::processes::clock;
use crate::shm::region::Region;
use crate::shm::tally::{Replaced, Sums};
use crate::stats::{Histogram, ResourceStats, RestartCounts, Stats, WorkerStats};

impl Client {
    pub(crate) fn stats(&self) -> Stats {
        let totals = self.totals();
        let workers = 0..self.region.geometry().workers;
        let mut sums: Vec<Sums> = workers.map(|worker| read(&self.region, worker)).collect();
        let mut counts = self.outcomes.counts();
        for (worker, sums) in sums.iter_mut().enumerate() {
            sums.busy = counts.busy(worker, sums.busy);
        }
        drop(counts);
        let workers = sums.iter().enumerate().map(|(worker, sums)| {
            let pid = self.region.worker(worker).pid.load(Relaxed) as i32;
            let resources = ResourceStats::from(&self.region.tally(worker).resources);
            WorkerStats { resources, ..worker_stats(sums, (pid > 0 && !totals.over).then_some(pid)) }
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
            elapsed: since(self.outcomes.opened),
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
        ..WorkerStats::default()
    }
}

fn since(moment: u64) -> Duration {
    Duration::from_nanos(clock::now().saturating_sub(moment))
}
