//! What a call says, and who reads it meanwhile, in every order that the memory model allows. `cargo model` runs them.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use crate::shm::layout::Steps;
use crate::shm::note::Note;
use crate::shm::steps::Sight;
use crate::shm::told::Told;

type Record = Steps<1, AtomicU64>;

fn record() -> Arc<Record> {
    let zero = || AtomicU64::new(0);
    Arc::new(Steps { told: Told::of(zero), message: Note::of(zero) })
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
fn what_is_heard_was_said_together() {
    loom::model(|| {
        let told: Arc<Told<2, AtomicU64>> = Arc::new(Told::of(|| AtomicU64::new(0)));
        let writer = told.clone();
        let writer = thread::spawn(move || (1..=3).for_each(|n| writer.say([n, 10 * n])));
        let heard = told.hear().expect("three are not too many");
        assert_eq!(heard.numbers, [heard.count, 10 * heard.count]);
        writer.join().expect("the model's thread");
    });
}

#[test]
fn a_message_is_seen_with_the_numbers_that_were_said_with_it() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let steps = record();
        say(&steps, 1);
        let writer = steps.clone();
        let writer = thread::spawn(move || (2..=3).for_each(|n| say(&writer, n)));
        let seen = steps.get(CALL).expect("one was said before");
        assert!(is_whole(&seen), "{seen:?}");
        writer.join().expect("the model's thread");
    });
}

#[test]
fn a_message_that_was_never_told_of_changes_nothing() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let steps = record();
        say(&steps, 1);
        let writer = steps.clone();
        let writer = thread::spawn(move || {
            say(&writer, 2);
            // And dies.
            writer.message.set(MESSAGES[3]);
        });
        let seen = steps.get(CALL).expect("one was said before");
        assert!(is_whole(&seen), "{seen:?}");
        writer.join().expect("the model's thread");
        assert_eq!(steps.get(CALL).map(|seen| (is_whole(&seen), seen.done)), Some((true, 2)));
    });
}

#[test]
fn what_is_passed_on_was_said_together() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (theirs, ours) = (record(), record());
        say(&theirs, 1);
        let writer = theirs.clone();
        let writer = thread::spawn(move || (2..=3).for_each(|n| say(&writer, n)));
        let mut seen = 0;
        for _ in 0..2 {
            ours.follow(&theirs, CALL, CALL, &mut seen);
            let seen = ours.get(CALL).expect("one was said before");
            assert!(is_whole(&seen), "{seen:?}");
        }
        writer.join().expect("the model's thread");
    });
}
