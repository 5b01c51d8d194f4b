//! The monotonic clock as a number that means the same in every process.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds since some moment before this machine's processes began.
pub(crate) fn now() -> u64 {
    // The call cannot fail with this clock on Linux.
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    nanoseconds(time)
}

/// A duration in nanoseconds, as far as 584 years.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
