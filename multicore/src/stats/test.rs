//! Histograms, differences and what is shown of them.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{CallCounts, Histogram, ResourceStats, RestartCounts, Stats, WorkerStats};
use crate::shm::tally::{BUCKETS, Counted, bucket};

fn of(durations: &[u64]) -> Histogram {
    let mut counts = [0; BUCKETS];
    durations.iter().for_each(|duration| counts[bucket(*duration)] += 1);
    let longest = durations.iter().copied().max().unwrap_or(0);
    Histogram::from(Counted { sum: durations.iter().sum(), longest, counts })
}

fn durations() -> impl Strategy<Value = Vec<u64>> {
    vec((any::<u64>(), 16_u32..64).prop_map(|(number, shift)| number >> shift), 0..200)
}

proptest! {
    #[test]
    fn quantiles_are_those_of_the_sorted_durations(mut durations in durations(), part in 0.0..=1.0) {
        let histogram = of(&durations);
        prop_assert_eq!(histogram.count(), durations.len() as u64);
        durations.sort_unstable();
        if let Some(longest) = durations.last() {
            let rank = f64::ceil(part * durations.len() as f64) as usize;
            let exact = durations[rank.max(1) - 1];
            let found = histogram.quantile(part).as_nanos() as u64;
            prop_assert!(exact <= found && found <= exact + exact / 2 && found <= *longest, "{found} for {exact}");
            prop_assert_eq!(histogram.max().as_nanos(), u128::from(*longest));
            let mean = durations.iter().sum::<u64>() / durations.len() as u64;
            prop_assert_eq!(histogram.mean().as_nanos(), u128::from(mean));
        }
    }

    #[test]
    fn quantiles_never_fall(durations in durations(), one in 0.0..=1.0, other in 0.0..=1.0) {
        let histogram = of(&durations);
        let (less, more) = if one <= other { (one, other) } else { (other, one) };
        prop_assert!(histogram.quantile(less) <= histogram.quantile(more));
    }

    #[test]
    fn merging_counts_both_and_a_difference_gives_one_back(first in durations(), second in durations()) {
        let mut both = of(&first);
        both.merge(&of(&second));
        prop_assert_eq!(&both, &of(&[&first[..], &second[..]].concat()));
        let left = both.since(&of(&first));
        prop_assert!(left.buckets().eq(of(&second).buckets()));
        prop_assert_eq!(left.sum(), of(&second).sum());
        prop_assert_eq!(both.since(&both), Histogram::default());
    }

    #[test]
    fn buckets_are_in_order_and_hold_all(durations in durations()) {
        let buckets: Vec<_> = of(&durations).buckets().collect();
        prop_assert!(buckets.is_sorted_by(|one, next| one.0 < next.0));
        prop_assert!(buckets.iter().all(|(_, count)| *count > 0));
        prop_assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), durations.len() as u64);
    }
}

#[test]
fn nothing_has_no_quantile_and_no_mean() {
    let none = Histogram::default();
    assert!(none.is_empty());
    assert_eq!([none.mean(), none.max(), none.quantile(0.5), none.quantile(f64::NAN)], [Duration::ZERO; 4]);
    let some = of(&[5, 6, 700]);
    assert_eq!(some.quantile(-1.0), some.quantile(0.0));
    assert_eq!(some.quantile(7.0), Duration::from_nanos(700));
}

/// Some work, `times` as much as there might be.
fn work(times: u64) -> Stats {
    let restarts = RestartCounts { died: times, ..RestartCounts::default() };
    let worker = |pid| WorkerStats {
        pid,
        calls: 50 * times,
        busy: Duration::from_millis(250 * times),
        age: Duration::from_secs(1),
        restarts,
        resources: ResourceStats { made: times, reused: 49 * times, ..ResourceStats::default() },
    };
    Stats {
        calls: CallCounts { running: 1, done: 98 * times, panicked: times, ..CallCounts::default() },
        queue_wait: of(&vec![100; times as usize]),
        run_time: of(&vec![5_000_000; 99 * times as usize]),
        bytes_sent: 700 * times,
        bytes_received: 3_000_000 * times,
        restarts: restarts + restarts,
        supervisor_restarts: 0,
        workers: vec![worker(Some(4711)), worker(None)],
        elapsed: Duration::from_secs(times),
    }
}

#[test]
fn a_difference_is_what_was_done_in_between() {
    assert_eq!(work(5).since(&work(3)), work(2));
    assert_eq!(work(5).since(&Stats::default()), work(5));
    assert_eq!(work(1).since(&work(3)).calls.settled(), 0, "the wrong way round");
}

#[test]
fn a_person_can_read_it() {
    let text = "\
calls     100: 1 running, 98 done, 1 panicked
waited    half within 100.0ns, 99 % within 100.0ns, the longest 100.0ns (of 1 asked)
ran       half within 5.0ms, 99 % within 5.0ms, the longest 5.0ms
moved     700 B there, 2.9 MiB back
restarts  2: 2 died
resources made 2, reused 98, checked 0, replaced 0
busy      25 % of 1.0s
worker 0  pid 4711     calls 50         busy 250.0ms   restarts 1
worker 1  pid -        calls 50         busy 250.0ms   restarts 1";
    assert_eq!(work(1).to_string(), text);
    let nothing = Stats { supervisor_restarts: 3, ..Stats::default() }.to_string();
    assert!(nothing.contains("waited    none (of 0 asked)\nran       none\n"), "{nothing}");
    assert!(nothing.ends_with("restarts  0; supervisor 3\nbusy      0 % of 0.0ns"), "{nothing}");
}

#[test]
fn a_page_can_show_it() {
    let json = serde_json::to_value(work(2)).unwrap();
    assert_eq!(json["calls"]["done"], 196);
    assert_eq!(json["elapsed"], 2.0);
    assert_eq!(json["workers"][0]["busy"], 0.5);
    assert_eq!(json["workers"][0]["resources"]["made"], 2);
    assert_eq!(json["run_time"]["count"], 198);
    assert_eq!(json["run_time"]["p99"], 0.005);
    assert_eq!(json["run_time"]["buckets"][0][1], 198);
}
