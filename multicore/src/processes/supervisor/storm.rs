//! Against a storm of restarts: workers that become ready and die again and again without having run a
//! call, because a thread of a start hook aborts, or because somebody has them leave.
//!
//! Such deaths never count towards the restart limit: a pool whose calls still settle now and then is no
//! pool that cannot start. They only come slower. A few in a row cost nothing, so whoever kills idle
//! workers finds them replaced at once.

use std::time::Duration;

use crate::processes::clock::nanoseconds;

/// A worker that lived longer died of something else.
const YOUNG: Duration = Duration::from_millis(100);
/// After so long without such a death the storm is over.
const QUIET: Duration = Duration::from_secs(1);
/// The first pause; each is twice the one before.
const SHORTEST: Duration = Duration::from_millis(1);
/// The last pause.
const LONGEST: Duration = Duration::from_millis(100);
/// How many deaths for each worker of the pool are no storm yet.
const FREE: u32 = 4;

/// The deaths of young workers in a row.
pub(in crate::processes) struct Storm {
    free: u32,
    in_a_row: u32,
    last: u64,
}

impl Storm {
    pub(in crate::processes) fn new(workers: usize) -> Storm {
        Storm { free: FREE * workers as u32, in_a_row: 0, last: 0 }
    }

    /// Counts the death at `now` of a worker that was born at `born` and never ran a call; when the next
    /// one may be started, if not at once.
    pub(in crate::processes) fn died(&mut self, born: u64, now: u64) -> Option<u64> {
        if now.saturating_sub(born) > nanoseconds(YOUNG) {
            return None;
        }
        if now.saturating_sub(self.last) > nanoseconds(QUIET) {
            self.in_a_row = 0;
        }
        self.last = now;
        self.in_a_row = self.in_a_row.saturating_add(1);
        let doublings = self.in_a_row.checked_sub(self.free)?.min(16);
        let pause = nanoseconds(SHORTEST * (1 << doublings)).min(nanoseconds(LONGEST));
        Some(now.saturating_add(pause))
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Deaths one after the other, each of a worker that was started as soon as it might be; the pauses.
    fn pauses(storm: &mut Storm, now: &mut u64, deaths: usize, life: u64) -> Vec<u64> {
        let next = |_| {
            let born = *now;
            *now += life;
            let pause = storm.died(born, *now).map_or(0, |at| at - *now);
            *now += pause;
            pause / MS
        };
        (0..deaths).map(next).collect()
    }

    #[test]
    fn pauses_grow_to_a_tenth_of_a_second_and_end_with_the_storm() {
        let (mut storm, mut now) = (Storm::new(1), 5_000 * MS);
        assert_eq!(pauses(&mut storm, &mut now, 13, MS), [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 100, 100, 100]);
        now += 2_000 * MS;
        assert_eq!(pauses(&mut storm, &mut now, 4, MS), [0, 0, 0, 1]);
        for _ in 0..100_000 {
            storm.died(now, now);
        }
        assert_eq!(storm.died(now, now), Some(now + 100 * MS));
    }

    #[test]
    fn deaths_of_workers_of_some_age_are_no_storm() {
        let (mut storm, mut now) = (Storm::new(1), 5_000 * MS);
        assert_eq!(pauses(&mut storm, &mut now, 50, 150 * MS), [0; 50]);
        assert_eq!(pauses(&mut storm, &mut now, 4, MS), [0, 0, 0, 1]);
    }
}
