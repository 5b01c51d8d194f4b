//! Sets of hints, and who dozes.

use std::sync::atomic::AtomicU64;

use crate::shm::hint::HintSet;
use crate::shm::lookout::{Lookout, Rest};

#[test]
fn whoever_is_woken_to_doze_is_the_one_that_does() {
    let [ready, background, idle, alert] = [0, 0, 0b110_1101, 0].map(|bits| [AtomicU64::new(bits)]);
    let lookout = Lookout {
        ready: HintSet::over(&ready, 64),
        background: HintSet::over(&background, 64),
        idle: HintSet::over(&idle, 7),
        alert: HintSet::over(&alert, 7),
    };
    let woken = lookout.wake_up(4).unwrap();
    assert_eq!(lookout.rest(woken, false, || false), Rest::Doze);
    // One that comes to rest later sleeps, unless it comes before.
    let woken = lookout.who_dozes().unwrap();
    assert_eq!(lookout.rest(1, false, || false), Rest::Doze);
    assert_eq!(lookout.rest(woken, false, || false), Rest::Doze);
    assert_eq!(lookout.rest(1, false, || false), Rest::Sleep);
}

#[test]
fn a_set_gives_each_member_once_and_in_turn() {
    let words = [const { AtomicU64::new(0) }; 3];
    let set = HintSet::over(&words, 192);
    let members = [0, 5, 63, 64, 130, 191];
    members.iter().for_each(|m| set.insert(*m));
    let taken: Vec<_> = std::iter::from_fn(|| set.take(64)).collect();
    assert_eq!(taken, [64, 130, 191, 0, 5, 63]);
    assert!(!set.any());
    set.insert(7);
    assert_eq!(set.take(8), Some(7));
}

#[test]
fn a_set_begins_whole_as_far_as_there_are_members() {
    let words = [const { AtomicU64::new(0) }; 2];
    let set = HintSet::over(&words, 70);
    assert!(set.begins_whole(0) && !set.begins_whole(1));
    (0..70).filter(|member| *member != 66).for_each(|member| set.insert(member));
    assert!(set.begins_whole(64) && set.begins_whole(66) && !set.begins_whole(67) && !set.begins_whole(1000));
    set.insert(66);
    assert!(set.begins_whole(70) && set.begins_whole(1000));
    set.remove(3);
    assert!(!set.begins_whole(4) && set.begins_whole(3));
}

#[test]
fn a_bit_that_stands_for_nobody_is_followed_by_nobody() {
    let words = [AtomicU64::new(u64::MAX)];
    let set = HintSet::over(&words, 2);
    assert_eq!([set.take(0), set.take(9), set.take(0)], [Some(0), Some(1), None]);
    assert!(!set.any());
}

#[test]
fn what_is_taken_after_a_number_is_none_before_it() {
    let words = [const { AtomicU64::new(0) }; 2];
    let set = HintSet::over(&words, 100);
    [3, 62, 63, 64, 99].iter().for_each(|m| set.insert(*m));
    let taken: Vec<_> = std::iter::from_fn(|| set.take_after(63)).collect();
    assert_eq!(taken, [63, 64, 99]);
    assert_eq!((set.take_after(100), set.take_after(200), set.take_after(0)), (None, None, Some(3)));
    assert_eq!(set.seen_from(0).collect::<Vec<_>>(), [62]);
}

#[test]
fn all_that_is_seen_goes_round() {
    let words = [const { AtomicU64::new(0) }; 2];
    let set = HintSet::over(&words, 100);
    [0, 63, 64, 99].iter().for_each(|m| set.insert(*m));
    // One that stands for nobody.
    words[1].fetch_or(1 << 50, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(set.seen_from(64).collect::<Vec<_>>(), [64, 99, 0, 63]);
    assert_eq!(set.seen_from(99).collect::<Vec<_>>(), [99, 0, 63, 64]);
}
