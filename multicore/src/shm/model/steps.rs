//! The races of a call that says how far it has come with whoever reads that meanwhile.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;

use super::{both, check};
use crate::shm::latch::SeqLatch;
use crate::shm::layout::Steps;
use crate::shm::note::Note;
use crate::shm::steps::Sight;

type Record = Steps<1, AtomicU64>;

fn record() -> Arc<Record> {
    let zero = || AtomicU64::new(0);
    Arc::new(Steps { numbers: SeqLatch::of(zero), message: Note::of(zero) })
}

const CALL: u64 = 7;
const MESSAGES: [&str; 4] = ["", "one", "two", "three"];

fn say(record: &Record, n: u64) {
    record.set(CALL, n, 10 * n, MESSAGES[n as usize]);
}

/// Whether all of it was said at once.
fn is_whole(seen: &Sight) -> bool {
    let message = Some(MESSAGES[seen.done as usize]).filter(|message| !message.is_empty());
    seen.total == 10 * seen.done && seen.message.as_deref() == message
}

#[test]
fn what_is_read_was_written_together() {
    loom::model(|| {
        let latch: Arc<SeqLatch<2, AtomicU64>> = Arc::new(SeqLatch::of(|| AtomicU64::new(0)));
        let write = |latch: &SeqLatch<2, AtomicU64>| (1..=3).for_each(|n| latch.write([n, 10 * n]));
        let ((), read) = both(&latch, write, |latch| latch.read().expect("three are not too many"));
        assert_eq!(read.numbers, [read.version, 10 * read.version]);
    });
}

#[test]
fn a_message_is_seen_with_the_numbers_that_were_said_with_it() {
    check(3, || {
        let steps = record();
        say(&steps, 1);
        let ((), seen) = both(&steps, |steps| (2..=3).for_each(|n| say(steps, n)), |steps| steps.get(CALL));
        assert!(seen.as_ref().is_some_and(is_whole), "{seen:?}");
    });
}

#[test]
fn a_message_that_no_numbers_name_changes_nothing() {
    check(3, || {
        let steps = record();
        say(&steps, 1);
        let and_die = |steps: &Record| {
            say(steps, 2);
            steps.message.set(MESSAGES[3]);
        };
        let ((), seen) = both(&steps, and_die, |steps| steps.get(CALL));
        assert!(seen.as_ref().is_some_and(is_whole), "{seen:?}");
        assert_eq!(steps.get(CALL).map(|seen| (is_whole(&seen), seen.done)), Some((true, 2)));
    });
}

#[test]
fn what_is_passed_on_was_said_together() {
    check(3, || {
        let (theirs, ours) = (record(), record());
        say(&theirs, 1);
        let follow_twice = |theirs: &Record| {
            let mut followed = 0;
            [(); 2].map(|()| {
                ours.follow(theirs, CALL, CALL, &mut followed);
                ours.get(CALL)
            })
        };
        let ((), seen) = both(&theirs, |theirs| (2..=3).for_each(|n| say(theirs, n)), follow_twice);
        for seen in seen {
            assert!(seen.as_ref().is_some_and(is_whole), "{seen:?}");
        }
    });
}
