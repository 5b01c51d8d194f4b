//! Counting by one writer that may die at any moment, and reading beside it.

use std::hint;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use memmap2::MmapMut;
use proptest::prelude::*;

use super::region::region;
use crate::shm::layout::Geometry;
use crate::shm::region::Region;
use crate::shm::tally::{BUCKETS, Replaced, Reuse, ReuseCounts, Sums, bucket, upper_bound};

fn one() -> Region {
    let geometry = Geometry { slots: 1, workers: 1, window: 1 };
    region(geometry)
}

fn look(region: &Region, now: u64) -> Sums {
    region.tally(0).read(now, || 0)
}

proptest! {
    #[test]
    fn every_number_is_in_the_bucket_whose_bounds_it_is_within(number: u64, shift in 0_u32..64) {
        let number = number >> shift;
        let at = bucket(number);
        prop_assert!(at < BUCKETS && number <= upper_bound(at));
        prop_assert!(at == 0 || number > upper_bound(at - 1));
        prop_assert!(upper_bound(at) - number <= number / 2, "right to within half of it");
    }
}

#[test]
fn the_buckets_cover_every_number() {
    let bounds: Vec<u64> = (0..BUCKETS).map(upper_bound).collect();
    assert!(bounds.is_sorted_by(|one, next| one < next));
    assert_eq!((bounds[0], bounds[BUCKETS - 1]), (0, u64::MAX));
    assert!(bounds.iter().enumerate().all(|(at, bound)| bucket(*bound) == at));
}

#[test]
fn a_hand_counts_by_its_mean() {
    let (region, tally) = (one(), 0);
    region.tally(tally).hold(1000);
    assert_eq!(look(&region, 1500).busy, 500, "what is in hand counts so far");
    region.tally(tally).ran(3, 3001);
    let sums = look(&region, 9000);
    assert_eq!((sums.busy, sums.runs.sum, sums.runs.longest), (3001, 3001, 1000));
    assert_eq!(sums.runs.counts[bucket(1000)], 3);
}

#[test]
fn what_a_dead_worker_had_in_hand_is_time_and_no_call() {
    let region = one();
    let tally = region.tally(0);
    tally.seat(400, || 7);
    // It says that it began before it was there.
    tally.hold(1);
    tally.cut_off(1000);
    tally.cut_off(2000);
    tally.count_end(Replaced::TimedOut);
    tally.seat(3000, || 5);
    let sums = look(&region, 4000);
    assert_eq!((sums.busy, sums.calls, sums.born), (600, 12, 3000));
    assert_eq!(sums.runs.counts, [0; BUCKETS]);
    assert_eq!(sums.replaced, [0, 1, 0, 0]);
}

/// The sum of what is written is the same at every moment, and so it is at every look.
#[test]
fn a_reader_sees_each_change_as_a_whole() {
    let (region, over) = (one(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for at in 1..20_000 {
                region.tally(0).ran(1, 10);
                region.tally(0).waited(at);
                // A worker that writes again at once would run calls in no time.
                (0..500).for_each(|_| hint::spin_loop());
            }
            over.store(true, Relaxed);
        });
        while !over.load(Relaxed) {
            let Sums { runs, waits, .. } = look(&region, 0);
            assert_eq!(runs.sum, 10 * runs.counts[bucket(10)]);
            let waited: u64 = waits.counts.iter().sum();
            assert_eq!(waits.sum, waited * (waited + 1) / 2);
            assert!(runs.counts[bucket(10)] - waited <= 1);
        }
    });
}

/// Whatever was written there.
#[test]
fn nonsense_is_read_as_nonsense() {
    let geometry = Geometry { slots: 1, workers: 1, window: 1 };
    let mut map = MmapMut::map_anon(geometry.total().unwrap()).unwrap();
    map[geometry.tally(0)..geometry.state(0)].fill(0xff);
    let region = super::region::over(map, geometry);
    let sums = region.tally(0).read(u64::MAX, || u64::MAX);
    assert_eq!(sums.runs.counts[3], u64::MAX);
    region.tally(0).ran(u32::MAX, u64::MAX);
    region.tally(0).waited(u64::MAX);
    region.tally(0).cut_off(0);
    region.tally(0).seat(0, || u64::MAX);
    assert_eq!(look(&region, 0).born, 0);
}

/// Each use is counted once, however often somebody looks.
#[test]
fn what_is_followed_counts_once() {
    let (own, theirs, mut seen) = (ReuseCounts::default(), ReuseCounts::default(), [0; 4]);
    own.add(Reuse::Made);
    for round in 1..4 {
        theirs.add(Reuse::Made);
        theirs.add(Reuse::Checked);
        own.follow(&theirs, &mut seen);
        own.follow(&theirs, &mut seen);
        let counted = [Reuse::Made, Reuse::Reused, Reuse::Checked, Reuse::Replaced].map(|what| own.of(what));
        assert_eq!(counted, [1 + round, 0, round, 0]);
    }
}
