//! The order in which ready calls are taken.

use std::sync::atomic::Ordering::Relaxed;

use super::{claim, remind, take};
use crate::processes::map;
use crate::processes::repair::{Death, after_death};
use crate::shm::layout::Geometry;
use crate::shm::region::Region;
use crate::shm::word::{Phase, Rank, Word};

const SLOTS: usize = 130;

fn region() -> Region {
    map::make(Geometry { slots: SLOTS, workers: 2, window: 4096 }).unwrap().0
}

/// Publishes a call of this priority in a slot, and sets its hint.
fn offer(region: &Region, slot: usize, level: i8) {
    let word = region.slot(slot).state;
    let generation = word.reserve().unwrap();
    assert!(word.publish_as(generation, Rank { level, ..Rank::default() }));
    remind(region, slot, word.state());
}

/// Takes what comes next, and claims it.
fn next(region: &Region) -> Option<usize> {
    let slot = take(region, true, |_| 1)?.next()?;
    region.slot(slot).state.claim(0).then_some(slot)
}

/// All that is ready, in the order that it is taken.
fn all(region: &Region) -> Vec<usize> {
    std::iter::from_fn(|| next(region)).collect()
}

#[test]
fn a_higher_priority_comes_first_and_arrival_decides_within_one() {
    let region = region();
    let levels = [0, -1, 7, 0, 2, -7, 2, 7, 0, -1];
    for (slot, level) in (60..).zip(levels) {
        offer(&region, slot, level);
    }
    assert_ne!(region.head().ranked.load(Relaxed), 0);
    assert_eq!(all(&region), [62, 67, 64, 66, 60, 63, 68, 61, 69, 65]);
    assert_eq!(region.head().ranked.load(Relaxed), 0, "a look that finds none says so");
}

#[test]
fn the_order_of_arrival_goes_round() {
    let region = region();
    region.head().claim_cursor.0.store(120, Relaxed);
    for slot in [125, 129, 3, 70] {
        offer(&region, slot, 0);
    }
    offer(&region, 5, 1);
    assert_eq!(all(&region), [5, 125, 129, 3, 70]);
}

#[test]
fn a_call_of_a_dead_worker_comes_before_those_after_it() {
    // Claimed and begun; at the end of the row, and where it goes round.
    for start in [10, 60, SLOTS - 2, SLOTS - 1] {
        let region = region();
        let slots: Vec<usize> = (start..start + 8).map(|slot| slot % SLOTS).collect();
        region.head().claim_cursor.0.store(start as u32, Relaxed);
        slots.iter().for_each(|slot| offer(&region, *slot, 0));
        assert_eq!([(); 3].map(|()| next(&region)), [slots[0], slots[1], slots[2]].map(Some));
        assert!(region.slot(slots[0]).state.begin(0));
        region.slot(slots[0]).retries.store(1, Relaxed);
        after_death(&region, &Death::unseen(&region, 0));
        assert_eq!(all(&region), slots);
    }
}

#[test]
fn without_priorities_several_are_taken_at_a_time() {
    let region = region();
    (0..8).for_each(|slot| offer(&region, slot, 0));
    assert_eq!(take(&region, false, |there| there / 2).unwrap().collect::<Vec<_>>(), [0, 1, 2, 3]);
    offer(&region, 9, 3);
    assert_eq!(take(&region, false, |there| there).unwrap().collect::<Vec<_>>(), [9]);
}

#[test]
fn a_hint_of_nothing_goes_and_one_of_a_ready_call_stays() {
    let region = region();
    offer(&region, 10, -3);
    for slot in [4, 20, 129] {
        region.ready().insert(slot);
    }
    assert_eq!((next(&region), next(&region)), (Some(10), None));
    assert!(!region.ready().any());
    // The hint of one that is claimed meanwhile.
    offer(&region, 11, 5);
    offer(&region, 12, 5);
    assert!(region.slot(11).state.claim(1));
    assert_eq!(all(&region), [12]);
    assert_eq!(region.slot(11).state.state().phase(), Some(Phase::Claimed));
}

#[test]
fn a_call_that_is_given_back_has_its_priority_still() {
    let region = region();
    offer(&region, 0, 0);
    offer(&region, 1, 4);
    assert_eq!(next(&region), Some(1));
    assert_eq!(next(&region), Some(0));
    offer(&region, 2, 0);
    let word = region.slot(1).state;
    let _ = word.requeue(0, false);
    assert_eq!((word.state().level(), word.state().tries()), (4, 1));
    remind(&region, 1, word.state());
    assert_eq!(all(&region), [1, 2]);
}

/// Publishes a background call of this priority.
fn offer_background(region: &Region, slot: usize, level: i8) {
    let word = region.slot(slot).state;
    let generation = word.reserve().unwrap();
    assert!(word.publish_as(generation, Rank { level, background: true }));
    remind(region, slot, word.state());
}

#[test]
fn background_calls_come_last_by_priority_and_for_some_alone() {
    let region = region();
    for (slot, level) in (3..).zip([0, 2, 0, -1]) {
        offer_background(&region, slot, level);
    }
    offer(&region, 100, 0);
    offer(&region, 101, -7);
    let reserved = || take(&region, false, |_| 1).and_then(|mut hints| hints.next());
    assert_eq!([reserved(), reserved(), reserved()], [Some(100), Some(101), None]);
    remind(&region, 100, region.slot(100).state.state());
    remind(&region, 101, region.slot(101).state.state());
    assert_eq!(all(&region), [100, 101, 4, 3, 5, 6]);
}

#[test]
fn a_reserved_worker_takes_no_background_call_by_an_old_hint() {
    let region = region();
    offer_background(&region, 7, 0);
    region.ready().insert(7);
    let slot = take(&region, false, |_| 1).and_then(|mut hints| hints.next()).unwrap();
    assert!(!claim(&region, slot, 0, false));
    assert_eq!(all(&region), [7]);
}
