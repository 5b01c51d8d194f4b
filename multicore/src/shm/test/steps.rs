//! What a call says of how far it has come.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::shm::layout::Steps;
use crate::shm::steps::{Sight, name};

/// As the region's memory is at first.
fn steps() -> Box<Steps> {
    // SAFETY: steps are made of atomics, for which zeroes are valid.
    Box::new(unsafe { std::mem::zeroed() })
}

fn sight(done: u64, total: u64, message: &str) -> Option<Sight> {
    Some(Sight { done, total, message: (!message.is_empty()).then(|| message.to_owned()) })
}

#[test]
fn steps_are_those_of_one_call() {
    let steps = steps();
    let (first, second) = (name(0, 1), name(0, 2));
    assert_eq!(steps.get(first), None);
    steps.set(first, 1, 3, "one");
    assert_eq!((steps.get(first), steps.get(second)), (sight(1, 3, "one"), None));
    steps.set(first, 2, 3, "one");
    assert_eq!(steps.get(first), sight(2, 3, "one"));
    steps.set(first, 3, 3, "two");
    assert_eq!(steps.get(first), sight(3, 3, "two"));
    steps.set(second, 0, 9, "");
    assert_eq!((steps.get(first), steps.get(second)), (None, sight(0, 9, "")));
    steps.clear();
    assert_eq!(steps.get(second), None);
}

#[test]
fn a_message_of_any_length_and_any_change_is_seen() {
    let steps = steps();
    let texts = ["", "a", "b", "12345678", "12345679", "123456789", &"x".repeat(256), &"y".repeat(300), ""];
    for (n, text) in (0..).zip(texts) {
        for _ in 0..2 {
            steps.set(7, n, 10, text);
            assert_eq!(steps.get(7), sight(n, 10, &text[..text.len().min(256)]));
        }
    }
}

#[test]
fn what_is_read_is_one_calls_alone() {
    let (steps, now, over) = (steps(), AtomicU64::new(1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // No call has the name of an earlier one.
            for n in 1..200_000_u64 {
                steps.set(n, n, n, ["one", "two"][n as usize % 2]);
                now.store(n, Relaxed);
            }
            over.store(true, Relaxed);
        });
        let mut seen = 0;
        while !over.load(Relaxed) || seen == 0 {
            let of = now.load(Relaxed);
            let Some(found) = steps.get(of) else { continue };
            assert_eq!((found.done, found.total), (of, of));
            assert_eq!(found.message.as_deref(), Some(["one", "two"][of as usize % 2]));
            seen += 1;
        }
    });
}

#[test]
fn what_a_call_says_at_once_is_read_at_once() {
    let (steps, over) = (steps(), AtomicBool::new(false));
    let texts = ["", "one", "another one", "the longest of all the texts here"];
    steps.set(1, 0, 0, texts[0]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Each message is said several times, as by a call that counts within a stage.
            for n in 1..400_000 {
                steps.set(1, n, 3 * n, texts[n as usize / 5 % 4]);
            }
            over.store(true, Relaxed);
        });
        let (mut last, mut seen) = (0, 0);
        while !over.load(Relaxed) || seen == 0 {
            let Some(found) = steps.get(1) else { continue };
            assert_eq!(found.total, 3 * found.done);
            assert_eq!(found.message.unwrap_or_default(), texts[found.done as usize / 5 % 4]);
            assert!(found.done >= last, "{} after {last}", found.done);
            (last, seen) = (found.done, seen + 1);
        }
    });
}

#[test]
fn a_record_of_another_worker_says_nothing_of_the_one_before() {
    let (theirs, ours) = (steps(), steps());
    ours.set(3, 1, 2, "half");
    ours.clear();
    theirs.set(5, 1, 2, "");
    ours.follow(&theirs, 5, 8, &mut 0);
    assert_eq!((ours.get(3), ours.get(8)), (None, sight(1, 2, "")));
}

#[test]
fn what_another_record_says_is_passed_on_under_its_own_name() {
    let (theirs, ours, mut seen) = (steps(), steps(), 0);
    ours.follow(&theirs, 5, 8, &mut seen);
    assert_eq!(ours.get(8), None);
    theirs.set(5, 1, 2, "half");
    ours.follow(&theirs, 5, 8, &mut seen);
    assert_eq!(ours.get(8), sight(1, 2, "half"));
    theirs.set(5, 2, 2, "half");
    ours.follow(&theirs, 5, 8, &mut seen);
    assert_eq!(ours.get(8), sight(2, 2, "half"));
    theirs.set(6, 0, 4, "next");
    ours.follow(&theirs, 5, 8, &mut seen);
    assert_eq!(ours.get(8), sight(2, 2, "half"));
    ours.follow(&theirs, 6, 9, &mut seen);
    assert_eq!((ours.get(8), ours.get(9)), (None, sight(0, 4, "next")));
}
