//! Durations, counted by how long they are.

use std::fmt;
use std::iter::Sum;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::shm::tally::{BUCKETS, Counted, upper_bound};

/// How many durations there were of each length.
///
/// It has two buckets for each doubling, so what it says of a single duration is right to within half of it; count,
/// mean and maximum are exact. Serialised, it has `count`, `mean`, `max`, `p50`, `p90`, `p99` and `buckets`, a list
/// of upper bounds and counts; all durations in seconds.
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram(Box<Counted>);

impl Default for Histogram {
    fn default() -> Self {
        Histogram::from(Counted { sum: 0, longest: 0, counts: [0; BUCKETS] })
    }
}

impl From<Counted> for Histogram {
    fn from(counted: Counted) -> Self {
        Histogram(Box::new(counted))
    }
}

impl Histogram {
    /// How many durations there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.counts.iter().fold(0, |all, count| all.saturating_add(*count))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.0.sum)
    }

    /// Their mean; 0 where there is none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_nanos(self.0.sum.checked_div(self.count()).unwrap_or(0))
    }

    /// The longest; 0 where there is none.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.0.longest)
    }

    /// A duration that this part of them do not exceed: `quantile(0.99)` is what all but the longest hundredth
    /// took at most. It is the upper bound of a bucket, or the maximum where that is less: up to half more than
    /// the exact one. 0 where there is none.
    ///
    /// A part below 0 is taken for 0, one above 1 for 1.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Duration {
        let wanted = (part.clamp(0.0, 1.0) * self.count() as f64).ceil() as u64;
        let mut below = 0_u64;
        for (bound, count) in self.buckets() {
            below = below.saturating_add(count);
            if below >= wanted {
                return bound.min(self.max());
            }
        }
        self.max()
    }

    /// The buckets that are not empty, shortest first: the longest duration that each may hold, and how many
    /// it holds.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let counts = self.0.counts.iter().enumerate().filter(|(_, count)| **count != 0);
        counts.map(|(bucket, count)| (Duration::from_nanos(upper_bound(bucket)), *count))
    }

    /// Counts those of another one as well, of another pool say.
    pub fn merge(&mut self, other: &Histogram) {
        for (count, more) in self.0.counts.iter_mut().zip(other.0.counts) {
            *count = count.saturating_add(more);
        }
        self.0.sum = self.0.sum.saturating_add(other.0.sum);
        self.0.longest = self.0.longest.max(other.0.longest);
    }

    /// Those that were counted after an earlier look.
    pub(super) fn since(&self, earlier: &Histogram) -> Histogram {
        let mut later = self.clone();
        for (count, before) in later.0.counts.iter_mut().zip(earlier.0.counts) {
            *count = count.saturating_sub(before);
        }
        later.0.sum = later.0.sum.saturating_sub(earlier.0.sum);
        if later.is_empty() {
            later.0.longest = 0;
        }
        later
    }
}

impl Sum for Histogram {
    fn sum<I: Iterator<Item = Histogram>>(histograms: I) -> Histogram {
        let mut all = Histogram::default();
        histograms.for_each(|histogram| all.merge(&histogram));
        all
    }
}

/// The median, the 99th of a hundred and the longest.
impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let [median, most] = [0.5, 0.99].map(|part| self.quantile(part));
        write!(f, "half within {median:.1?}, 99 % within {most:.1?}, the longest {:.1?}", self.max())
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.buckets()).finish()
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let buckets: Vec<_> = self.buckets().map(|(bound, count)| (bound.as_secs_f64(), count)).collect();
        let mut object = serializer.serialize_struct("Histogram", 7)?;
        object.serialize_field("count", &self.count())?;
        object.serialize_field("mean", &self.mean().as_secs_f64())?;
        object.serialize_field("max", &self.max().as_secs_f64())?;
        object.serialize_field("p50", &self.quantile(0.5).as_secs_f64())?;
        object.serialize_field("p90", &self.quantile(0.9).as_secs_f64())?;
        object.serialize_field("p99", &self.quantile(0.99).as_secs_f64())?;
        object.serialize_field("buckets", &buckets)?;
        object.end()
    }
}
