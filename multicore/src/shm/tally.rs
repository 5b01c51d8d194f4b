//! What is counted of one seat's workers, in memory that outlives each of them.
//!
//! At any time one process writes: the worker while it lives, the supervisor once it is dead (in a sandboxed pool
//! always), the client while there is no supervisor. So nothing here is a locked instruction. Changes that belong
//! together stand between two steps of a number that is odd meanwhile: whoever reads looks again until it was
//! even and the same before and after. A worker that dies in between leaves it odd until the next change, and
//! part of one hand uncounted. What a hostile worker writes is nonsense in these numbers, and in nothing else.
//!
//! Beside the standard library this file names nothing: the tests include it with `layout`.

use std::array::from_fn;
use std::hint;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};
use std::thread;
use std::time::Duration;

/// How many buckets a histogram has: two for each doubling of 64 bits.
pub(crate) const BUCKETS: usize = 128;
/// How often a reader tries again whom the writer overtakes. It writes once in a hand, which takes far longer than a
/// look, unless it wants to keep the reader here.
const READS: u32 = 1000;
/// How often a reader finds the same odd number before it sleeps between two looks,
const ODD: u32 = 64;
/// and how often it sleeps before it takes the writer for dead, or stopped: one that lost its core in the middle has it
/// again by then.
const NAPS: u32 = 100;
const NAP: Duration = Duration::from_micros(100);

/// The bucket of so many nanoseconds.
pub(crate) fn bucket(nanoseconds: u64) -> usize {
    let Some(below) = nanoseconds.checked_ilog2().and_then(|doublings| doublings.checked_sub(1)) else {
        return nanoseconds as usize;
    };
    // The two leading bits: a doubling, and its half.
    (2 * below + (nanoseconds >> below) as u32) as usize
}

/// The most nanoseconds that a bucket holds.
///
/// # Panics
/// When there is no such bucket.
pub(crate) fn upper_bound(bucket: usize) -> u64 {
    assert!(bucket < BUCKETS);
    if bucket < 2 {
        return bucket as u64;
    }
    let below = bucket / 2 - 1;
    let first = (2 + (bucket % 2) as u64) << below;
    first + ((1 << below) - 1)
}

/// A histogram of durations as it is written.
#[repr(C, align(128))]
pub(crate) struct Buckets {
    /// Nanoseconds in all.
    pub(crate) sum: AtomicU64,
    pub(crate) longest: AtomicU64,
    pub(crate) counts: [AtomicU64; BUCKETS],
}

impl Buckets {
    fn add(&self, nanoseconds: u64, times: u64, sum: u64) {
        add(&self.counts[bucket(nanoseconds)], times);
        add(&self.sum, sum);
        if nanoseconds > self.longest.load(Relaxed) {
            self.longest.store(nanoseconds, Relaxed);
        }
    }

    fn read(&self) -> Counted {
        let [sum, longest] = [&self.sum, &self.longest].map(|number| number.load(Relaxed));
        Counted { sum, longest, counts: from_fn(|at| self.counts[at].load(Relaxed)) }
    }
}

/// A histogram of durations as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) sum: u64,
    pub(crate) longest: u64,
    pub(crate) counts: [u64; BUCKETS],
}

/// Why a worker was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// It died of itself.
    Died,
    /// Its call was over its time.
    TimedOut,
    /// Nobody wanted its call any more.
    Cancelled,
    /// It had done its part.
    Recycled,
}

/// How many reasons there are.
pub(crate) const REASONS: usize = 4;

/// How a worker came by a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    Made,
    /// It was there from before.
    Reused,
    Checked,
    /// It was closed before its worker's end.
    Replaced,
}

/// How many ways there are.
pub(crate) const REUSES: usize = 4;

/// How often, by [`Reuse`]. Whoever writes adds in one step: a task's own threads have resources as well.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct ReuseCounts([AtomicU64; REUSES]);

impl ReuseCounts {
    pub(crate) fn add(&self, what: Reuse) {
        self.0[what as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn of(&self, what: Reuse) -> u64 {
        self.0[what as usize].load(Relaxed)
    }

    /// Adds what others say that came to theirs, since it was `seen` last.
    pub(crate) fn follow(&self, theirs: &ReuseCounts, seen: &mut [u64; REUSES]) {
        for ((own, theirs), seen) in self.0.iter().zip(&theirs.0).zip(seen) {
            let now = theirs.load(Relaxed);
            own.fetch_add(now.wrapping_sub(*seen), Relaxed);
            *seen = now;
        }
    }
}

/// One seat's part of the region.
#[repr(C, align(128))]
pub(crate) struct Tally {
    /// Odd while something changes.
    steps: AtomicU64,
    /// When the calls were taken that the worker has in hand; 0 while it has none.
    since: AtomicU64,
    /// How long calls ran that came to their own end.
    runs: Buckets,
    /// How long calls waited.
    waits: Buckets,
    /// How its workers came by their resources.
    pub(crate) resources: ReuseCounts,
    past: Past,
}

/// What came before the worker of now. On cache lines that no worker writes.
#[repr(C, align(128))]
struct Past {
    /// Calls that those before it began.
    calls: AtomicU64,
    /// Nanoseconds that they spent on what they did not come to the end of.
    cut_off: AtomicU64,
    /// When the worker of now was started.
    born: AtomicU64,
    replaced: [AtomicU64; REASONS],
}

/// What a tally says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    pub(crate) runs: Counted,
    pub(crate) waits: Counted,
    pub(crate) calls: u64,
    /// Nanoseconds.
    pub(crate) busy: u64,
    pub(crate) born: u64,
    /// By [`Replaced`].
    pub(crate) replaced: [u64; REASONS],
}

impl Tally {
    /// The worker has calls in hand since then; since 0: none.
    #[inline]
    pub(crate) fn hold(&self, since: u64) {
        self.since.store(since, Relaxed);
    }

    /// The worker has run so many calls, for `spent` nanoseconds together, and has none in hand.
    pub(crate) fn ran(&self, calls: u32, spent: u64) {
        self.change(|| {
            let calls = u64::from(calls);
            self.runs.add(spent / calls.max(1), calls, spent);
            self.since.store(0, Relaxed);
        });
    }

    /// The call in hand has come to its end.
    pub(crate) fn ran_one(&self, now: u64) {
        self.ran(1, now.saturating_sub(self.since.load(Relaxed)));
    }

    /// A call has waited.
    pub(crate) fn waited(&self, nanoseconds: u64) {
        self.change(|| self.waits.add(nanoseconds, 1, nanoseconds));
    }

    /// The worker is dead: what it had in hand is not to be finished.
    pub(crate) fn cut_off(&self, now: u64) {
        let (since, born) = (self.since.load(Relaxed), self.past.born.load(Relaxed));
        if since != 0 {
            self.change(|| {
                // It may have written that it began before it was there.
                add(&self.past.cut_off, now.saturating_sub(since.max(born)));
                self.since.store(0, Relaxed);
            });
        }
    }

    /// The worker is dead, and its seat is to be filled again.
    pub(crate) fn count_end(&self, why: Replaced) {
        self.change(|| add(&self.past.replaced[why as usize], 1));
    }

    /// The seat is about to be filled; `forget` empties the record of the worker that was there, and says how many
    /// calls it had begun.
    pub(crate) fn seat(&self, now: u64, forget: impl FnOnce() -> u64) {
        self.change(|| {
            add(&self.past.calls, forget());
            self.past.born.store(now, Relaxed);
        });
    }

    /// All of it at one moment, not before `now`, as far as the writer lets; `begun` says how many calls the
    /// worker of now has begun.
    pub(crate) fn read(&self, now: u64, begun: impl Fn() -> u64) -> Sums {
        let (mut last, mut odd) = (0, 0_u32);
        for _ in 0..READS {
            let before = self.steps.load(Acquire);
            odd = if before == last && !before.is_multiple_of(2) { odd + 1 } else { 0 };
            last = before;
            match odd.checked_sub(ODD) {
                Some(NAPS) => break,
                Some(_) => thread::sleep(NAP),
                None => {}
            }
            let sums = self.look(now, &begun);
            // With the one in `change`: whoever read something new there sees that the number has moved.
            fence(Acquire);
            if before.is_multiple_of(2) && self.steps.load(Relaxed) == before {
                return sums;
            }
            hint::spin_loop();
        }
        self.look(now, &begun)
    }

    fn look(&self, now: u64, begun: &impl Fn() -> u64) -> Sums {
        let (past, since, runs) = (&self.past, self.since.load(Relaxed), self.runs.read());
        let in_hand = if since == 0 { 0 } else { now.saturating_sub(since) };
        Sums {
            waits: self.waits.read(),
            calls: past.calls.load(Relaxed).wrapping_add(begun()),
            busy: runs.sum.wrapping_add(past.cut_off.load(Relaxed)).wrapping_add(in_hand),
            born: past.born.load(Relaxed),
            replaced: from_fn(|why| past.replaced[why].load(Relaxed)),
            runs,
        }
    }

    fn change(&self, write: impl FnOnce()) {
        // Odd already where the last writer died in the middle.
        let odd = self.steps.load(Relaxed) | 1;
        self.steps.store(odd, Relaxed);
        fence(Release);
        write();
        self.steps.store(odd.wrapping_add(1), Release);
    }
}

/// For a counter that nobody else writes.
#[inline]
fn add(counter: &AtomicU64, number: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(number), Relaxed);
}
