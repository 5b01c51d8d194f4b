//! What a pool of threads counts under its desk's lock, so that the numbers are exact, and of one moment; bytes that
//! were received and resources are counted beside it.

use std::time::{Duration, Instant};

use super::work::Outcome;
use crate::shm::layout::Verdict;
use crate::shm::tally::{BUCKETS, Counted, bucket};
use crate::stats::{CallCounts, Histogram, Stats};

pub(super) struct Count {
    opened: Instant,
    /// Those that are over.
    calls: CallCounts,
    waits: Counted,
    runs: Counted,
    bytes_sent: u64,
}

impl Count {
    pub(super) fn new() -> Count {
        let none = || Counted { sum: 0, longest: 0, counts: [0; BUCKETS] };
        let calls = CallCounts::default();
        Count { opened: Instant::now(), calls, waits: none(), runs: none(), bytes_sent: 0 }
    }

    /// A call was queued, with so many bytes of arguments.
    pub(super) fn queued(&mut self, bytes: usize) {
        self.bytes_sent += bytes as u64;
    }

    /// It was begun after so long.
    pub(super) fn begun(&mut self, waited: Duration) {
        add(&mut self.waits, waited);
    }

    /// It came to its own end after so long.
    pub(super) fn ran(&mut self, ran: Duration) {
        add(&mut self.runs, ran);
    }

    /// It settled; `cancelled` before, whatever it gave.
    pub(super) fn settled(&mut self, outcome: &Outcome, cancelled: bool) {
        let verdict = match outcome {
            Outcome::Closed => {
                self.calls.lost += 1;
                return;
            }
            _ if cancelled => Some(Verdict::Cancelled),
            Outcome::Value(_) => None,
            Outcome::Report(report) => Some(report.verdict()),
        };
        let count = match verdict {
            None => &mut self.calls.done,
            Some(Verdict::Panicked) => &mut self.calls.panicked,
            Some(Verdict::Failed) => &mut self.calls.failed,
            Some(Verdict::Died) => &mut self.calls.died,
            Some(Verdict::TimedOut) => &mut self.calls.timed_out,
            Some(Verdict::Cancelled) => &mut self.calls.cancelled,
        };
        *count += 1;
    }

    /// All of it, without the workers; of calls that are not over and of results others know.
    pub(super) fn stats(&self, queued: usize, running: usize, bytes_received: u64) -> Stats {
        Stats {
            calls: CallCounts { queued: queued as u64, running: running as u64, ..self.calls },
            queue_wait: Histogram::from(self.waits),
            run_time: Histogram::from(self.runs),
            bytes_sent: self.bytes_sent,
            bytes_received,
            elapsed: self.opened.elapsed(),
            ..Stats::default()
        }
    }
}

fn add(counted: &mut Counted, duration: Duration) {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    counted.sum = counted.sum.saturating_add(nanoseconds);
    counted.longest = counted.longest.max(nanoseconds);
    counted.counts[bucket(nanoseconds)] += 1;
}
