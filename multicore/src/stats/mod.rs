//! What a pool has done, as its user sees it.

mod display;
mod histogram;
#[cfg(test)]
mod test;

use std::ops::Add;
use std::time::Duration;

use serde::{Serialize, Serializer};

pub use self::histogram::Histogram;
use crate::shm::tally::{Reuse, ReuseCounts};

/// What a pool has done: [`Pool::stats`](crate::Pool::stats).
///
/// Printed, it is a short table; serialised, for a page that shows it, durations are seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Where the accepted calls are, or how they ended.
    pub calls: CallCounts,
    /// How long calls were queued, from being sent to being begun, of a sample: the first four in each slot, and
    /// then one in 64. That a call had to wait for a slot, in [`spawn`](crate::Pool::spawn), is not in it.
    pub queue_wait: Histogram,
    /// How long calls ran that came to their own end, whatever it was, with decoding and encoding. Calls shorter
    /// than about 20 µs are measured several at a time, and each counts with their mean. Where a worker was killed,
    /// up to 15 short calls that it had run just before are missing. In a sandboxed pool this is the time from
    /// being handed out to being taken back.
    pub run_time: Histogram,
    /// Bytes of encoded arguments that were sent.
    pub bytes_sent: u64,
    /// Bytes of encoded results and reports that were collected; detached calls' are not.
    pub bytes_received: u64,
    /// Workers that ended and were replaced, without those that went with their supervisor.
    pub restarts: RestartCounts,
    /// How often the supervisor was replaced, and all workers with it.
    pub supervisor_restarts: u64,
    /// Each seat of the pool, by number; empty where calls run in the thread that makes them.
    pub workers: Vec<WorkerStats>,
    /// How long ago the pool was opened, also after its end; or how long it was from one look to the other.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
}

/// Where the calls are that a pool has accepted: each is in exactly one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CallCounts {
    /// They wait for a worker.
    pub queued: u64,
    /// A worker runs them.
    pub running: u64,
    /// They gave a result, which may be the task's own `Err`; collected or not.
    pub done: u64,
    /// They panicked.
    pub panicked: u64,
    /// Their arguments could not be decoded, or their result not be sent.
    pub failed: u64,
    /// Their worker died, and no retry was left.
    pub died: u64,
    /// They were ended over their time limit.
    pub timed_out: u64,
    /// They were cancelled, queued or running.
    pub cancelled: u64,
    /// Their pool ended before they did.
    pub lost: u64,
}

/// How often workers ended and were replaced, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RestartCounts {
    /// They died, with a call or without one, or never became ready.
    pub died: u64,
    /// Their call was over its time limit.
    pub timed_out: u64,
    /// Their call was cancelled.
    pub cancelled: u64,
    /// They had run [`max_calls`](crate::Config::max_calls), or had grown beyond
    /// [`max_memory`](crate::Config::max_memory).
    pub recycled: u64,
}

/// What one seat's workers have done, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkerStats {
    /// The process of now; `None` while it is being replaced, once the pool is closed, and where it is a thread.
    pub pid: Option<i32>,
    /// Calls begun; one that is run again counts again.
    pub calls: u64,
    /// Time with calls in hand; what is being run counts so far.
    #[serde(serialize_with = "seconds")]
    pub busy: Duration,
    /// How long ago the process, or the thread, of now was started.
    #[serde(serialize_with = "seconds")]
    pub age: Duration,
    /// How often it was replaced.
    pub restarts: RestartCounts,
    /// How it came by its [resources](macro@crate::resource).
    pub resources: ResourceStats,
}

/// How workers came by their [resources](macro@crate::resource). What threads outside of the pool used is not
/// counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ResourceStats {
    /// Values that were made.
    pub made: u64,
    /// Uses of a value that was there already.
    pub reused: u64,
    /// Checks whether a value is good still.
    pub checked: u64,
    /// Values that were closed before their worker's end: too old, found dead or broken, not put in order, left by a
    /// panic without a check, discarded, or made with the help of one that was.
    pub replaced: u64,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Stats {
    /// What was done between an earlier look at the same pool and this one.
    ///
    /// Calls that are queued or running are those of this look, and so are each worker's process and age, and the
    /// longest durations of the histograms.
    #[must_use]
    pub fn since(&self, earlier: &Stats) -> Stats {
        let before = |worker| earlier.workers.get(worker).cloned().unwrap_or_default();
        let workers = self.workers.iter().enumerate().map(|(n, worker)| worker.since(&before(n)));
        Stats {
            calls: self.calls.since(earlier.calls),
            queue_wait: self.queue_wait.since(&earlier.queue_wait),
            run_time: self.run_time.since(&earlier.run_time),
            bytes_sent: self.bytes_sent.saturating_sub(earlier.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
            restarts: self.restarts.since(earlier.restarts),
            supervisor_restarts: self.supervisor_restarts.saturating_sub(earlier.supervisor_restarts),
            workers: workers.collect(),
            elapsed: self.elapsed.saturating_sub(earlier.elapsed),
        }
    }

    /// How all workers together came by their resources.
    #[must_use]
    pub fn resources(&self) -> ResourceStats {
        self.workers.iter().fold(ResourceStats::default(), |all, worker| all + worker.resources)
    }

    /// How much of their time the workers were busy, from 0 to 1; 0 where there are none.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        let busy: Duration = self.workers.iter().map(|worker| worker.busy).sum();
        let all = self.elapsed.as_secs_f64() * self.workers.len() as f64;
        if all > 0.0 { (busy.as_secs_f64() / all).min(1.0) } else { 0.0 }
    }
}

impl CallCounts {
    /// All of them: the calls that the pool has accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.queued.saturating_add(self.running).saturating_add(self.settled())
    }

    /// Those that are over, well or not.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.done.saturating_add(self.unsuccessful())
    }

    /// Those that are over and gave no result.
    #[must_use]
    pub fn unsuccessful(&self) -> u64 {
        let all = [self.panicked, self.failed, self.died, self.timed_out, self.cancelled, self.lost];
        all.into_iter().fold(0, u64::saturating_add)
    }

    fn since(self, earlier: CallCounts) -> CallCounts {
        CallCounts {
            queued: self.queued,
            running: self.running,
            done: self.done.saturating_sub(earlier.done),
            panicked: self.panicked.saturating_sub(earlier.panicked),
            failed: self.failed.saturating_sub(earlier.failed),
            died: self.died.saturating_sub(earlier.died),
            timed_out: self.timed_out.saturating_sub(earlier.timed_out),
            cancelled: self.cancelled.saturating_sub(earlier.cancelled),
            lost: self.lost.saturating_sub(earlier.lost),
        }
    }
}

impl RestartCounts {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> u64 {
        [self.died, self.timed_out, self.cancelled, self.recycled].into_iter().fold(0, u64::saturating_add)
    }

    fn since(self, earlier: RestartCounts) -> RestartCounts {
        RestartCounts {
            died: self.died.saturating_sub(earlier.died),
            timed_out: self.timed_out.saturating_sub(earlier.timed_out),
            cancelled: self.cancelled.saturating_sub(earlier.cancelled),
            recycled: self.recycled.saturating_sub(earlier.recycled),
        }
    }
}

impl ResourceStats {
    fn since(self, earlier: ResourceStats) -> ResourceStats {
        ResourceStats {
            made: self.made.saturating_sub(earlier.made),
            reused: self.reused.saturating_sub(earlier.reused),
            checked: self.checked.saturating_sub(earlier.checked),
            replaced: self.replaced.saturating_sub(earlier.replaced),
        }
    }
}

impl Add for ResourceStats {
    type Output = ResourceStats;

    fn add(self, other: ResourceStats) -> ResourceStats {
        ResourceStats {
            made: self.made.saturating_add(other.made),
            reused: self.reused.saturating_add(other.reused),
            checked: self.checked.saturating_add(other.checked),
            replaced: self.replaced.saturating_add(other.replaced),
        }
    }
}

impl From<&ReuseCounts> for ResourceStats {
    fn from(counts: &ReuseCounts) -> ResourceStats {
        ResourceStats {
            made: counts.of(Reuse::Made),
            reused: counts.of(Reuse::Reused),
            checked: counts.of(Reuse::Checked),
            replaced: counts.of(Reuse::Replaced),
        }
    }
}

impl Add for RestartCounts {
    type Output = RestartCounts;

    fn add(self, other: RestartCounts) -> RestartCounts {
        RestartCounts {
            died: self.died.saturating_add(other.died),
            timed_out: self.timed_out.saturating_add(other.timed_out),
            cancelled: self.cancelled.saturating_add(other.cancelled),
            recycled: self.recycled.saturating_add(other.recycled),
        }
    }
}

impl WorkerStats {
    fn since(&self, earlier: &WorkerStats) -> WorkerStats {
        WorkerStats {
            pid: self.pid,
            calls: self.calls.saturating_sub(earlier.calls),
            busy: self.busy.saturating_sub(earlier.busy),
            age: self.age,
            restarts: self.restarts.since(earlier.restarts),
            resources: self.resources.since(earlier.resources),
        }
    }
}
