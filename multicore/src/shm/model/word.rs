//! The races of the protocol table. Each row of it meets every other that may move the same word. Without a model of
//! their own are `publish` and `abandon`: a slot that is being filled is nobody else's, until `claim` sees it.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::{Acquire, Release};
use loom::thread;

use super::both;
use crate::shm::word::{Cancelled, Detached, Phase, Requeued, Settled, Word};

fn ready() -> (Arc<AtomicU64>, u32) {
    let word = Arc::new(AtomicU64::new(0));
    let generation = word.reserve().expect("a new word is free");
    assert!(word.publish(generation));
    (word, generation)
}

fn running(owner: u16) -> (Arc<AtomicU64>, u32) {
    let (word, generation) = ready();
    assert!(word.claim(owner) && word.begin(owner));
    (word, generation)
}

#[test]
fn one_of_two_clients_reserves() {
    loom::model(|| {
        let word = Arc::new(AtomicU64::new(0));
        let (a, b) = both(&word, |w| w.reserve(), |w| w.reserve());
        assert!(a.is_some() != b.is_some());
    });
}

#[test]
fn a_slot_is_reserved_or_emptied() {
    loom::model(|| {
        let word = Arc::new(AtomicU64::new(0));
        let empty = |word: &AtomicU64| {
            let generation = word.cool();
            generation.is_some_and(|generation| word.state().is_cooling() && word.abandon(generation))
        };
        let (emptied, reserved) = both(&word, empty, |word| word.reserve());
        match reserved {
            Some(generation) => assert_eq!(generation, 1, "an emptied slot keeps its number"),
            None => assert!(emptied),
        }
        assert_eq!(word.state().phase(), Some(if reserved.is_some() { Phase::Filling } else { Phase::Free }));
        assert!(!word.state().is_cooling());
    });
}

#[test]
fn one_of_two_workers_claims() {
    loom::model(|| {
        let (word, _) = ready();
        let (a, b) = both(&word, |w| w.claim(1), |w| w.claim(2));
        assert!(a != b);
        assert_eq!(word.state().owner(), if a { 1 } else { 2 });
    });
}

#[test]
fn a_detached_call_is_freed_once() {
    loom::model(|| {
        let (word, generation) = running(1);
        let (finished, detached) = both(&word, |w| w.finish(1), move |w| w.detach(generation));
        match (finished, detached) {
            (Settled::Freed { .. }, Detached::Left) => assert_eq!(word.state().phase(), Some(Phase::Free)),
            (Settled::Kept { .. }, Detached::Finished) => assert!(word.collect(generation).is_ok()),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_waiter_is_woken_or_sees_the_end() {
    loom::model(|| {
        let (word, generation) = running(1);
        let (finished, waits) = both(&word, |w| w.finish(1), move |w| w.wait(generation).is_ok());
        assert_eq!(finished, Settled::Kept { wake: waits, expired: false });
    });
}

#[test]
fn owner_and_sweep_do_not_both_collect() {
    loom::model(|| {
        let (word, generation) = running(1);
        assert_eq!(word.finish(1), Settled::Kept { wake: false, expired: false });
        let collect = move |w: &AtomicU64| w.collect(generation).is_ok();
        let (a, b) = both(&word, collect, collect);
        assert!(a != b);
    });
}

#[test]
fn a_slot_is_renewed_or_swept() {
    loom::model(|| {
        let (word, generation) = running(1);
        let finish = |w: &AtomicU64| w.finish(1);
        assert_eq!(finish(&word), Settled::Kept { wake: false, expired: false });
        let sweep = move |w: &AtomicU64| w.collect(generation).is_ok() && w.release(generation);
        let (swept, renewed) = both(&word, sweep, move |w| w.renew(generation));
        assert_eq!(renewed, (!swept).then_some(generation + 1));
    });
}

#[test]
fn what_is_read_before_a_renewed_slot_is_published_is_the_old_result() {
    loom::model(|| {
        let word = Arc::new(AtomicU64::new(0));
        let result = Arc::new(loom::cell::UnsafeCell::new(1));
        let generation = word.reserve().expect("a new word is free");
        assert!(word.publish(generation) && word.claim(1) && word.begin(1));
        let _ = word.finish(1);
        let (there, theirs) = (word.clone(), result.clone());
        let worker = thread::spawn(move || {
            if there.claim(1) && there.begin(1) {
                // SAFETY: this thread runs the call, so it alone holds the result; loom checks it.
                theirs.with_mut(|p| unsafe { *p = 2 });
                let _ = there.finish(1);
            }
        });
        let next = word.renew(generation).expect("the call has settled");
        // SAFETY: this thread holds the slot, so it alone reads the result; loom checks it.
        assert_eq!(result.with(|p| unsafe { *p }), 1);
        assert!(word.publish(next));
        if word.renew(next).is_some() {
            // SAFETY: as above.
            assert_eq!(result.with(|p| unsafe { *p }), 2);
        }
        worker.join().expect("the model's thread");
    });
}

#[test]
fn an_expired_worker_takes_no_further_call() {
    loom::model(|| {
        let (word, generation) = running(1);
        let (finished, expired) = both(&word, |w| w.finish(1), move |w| w.expire(1, generation));
        assert_eq!(finished, Settled::Kept { wake: false, expired });
    });
}

#[test]
fn a_cancelled_call_is_withdrawn_or_its_worker_knows() {
    loom::model(|| {
        let (word, generation) = ready();
        let begun = |w: &AtomicU64| w.claim(1) && w.begin(1);
        let (begun, cancelled) = both(&word, begun, move |w| w.cancel(generation));
        match cancelled {
            Cancelled::Withdrawn => assert!(!begun && word.release(generation)),
            Cancelled::Marked => assert!(begun && word.state().cancelled()),
            Cancelled::TooLate => panic!("it was not finished"),
        }
    });
}

/// In a private region: of the worker that begins a call and the supervisor that withdraws it one succeeds.
#[test]
fn a_withdrawn_call_is_not_begun() {
    loom::model(|| {
        let (word, _) = ready();
        let begin = |w: &AtomicU64| w.claim(0) && w.begin(0);
        let withdraw = |w: &AtomicU64| {
            let _ = w.take_back(w.state());
            w.claim(1) && w.bury(1) != Settled::NotMine
        };
        // It may find the call once more after it was taken back.
        let (begun, withdrawn) = both(&word, move |w| begin(w) || begin(w), withdraw);
        assert!(!(begun && withdrawn));
        assert!(!withdrawn || word.state().phase() == Some(Phase::Died));
    });
}

#[test]
fn a_call_finished_or_marked_settles_once() {
    loom::model(|| {
        let (word, generation) = running(1);
        let (finished, cancelled) = both(&word, |w| w.finish(1), move |w| w.cancel(generation));
        assert_eq!(finished, Settled::Kept { wake: false, expired: false });
        assert!(matches!(cancelled, Cancelled::Marked | Cancelled::TooLate));
        assert!(word.collect(generation).is_ok());
    });
}

#[test]
fn a_call_taken_back_is_begun_once() {
    loom::model(|| {
        let (word, _) = ready();
        let (stopped, other) = (word.clone(), word.clone());
        // Between claiming and beginning it may be stopped, and go on at any moment.
        let stopped = thread::spawn(move || stopped.claim(1) && stopped.begin(1));
        let other = thread::spawn(move || other.claim(2) && other.begin(2));
        let seen = word.state();
        let taken = word.take_back(seen) == Requeued::Ready;
        let begun = [stopped, other].map(|worker| u32::from(worker.join().expect("the model's thread")));
        match word.state().phase() {
            Some(Phase::Running) => assert_eq!(begun.iter().sum::<u32>(), 1),
            // Nobody came by afterwards.
            Some(Phase::Ready) => assert!(taken && begun == [0, 0]),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn an_owner_that_runs_its_call_is_never_doubted() {
    loom::model(|| {
        let (word, _) = ready();
        let current = Arc::new(AtomicU64::new(0));
        let (there, theirs) = (word.clone(), current.clone());
        let worker = thread::spawn(move || {
            assert!(there.claim(1));
            theirs.store(6, Release);
            assert!(there.begin(1));
            let _ = there.finish(1);
            theirs.store(0, Release);
            // The next call.
            theirs.store(9, Release);
        });
        let seen = word.state();
        if seen.phase() == Some(Phase::Running) {
            let current = current.load(Acquire);
            assert!(word.state() != seen || current == 6);
        }
        worker.join().expect("the model's thread");
    });
}

#[test]
fn a_call_is_taken_back_once() {
    loom::model(|| {
        let (word, _) = ready();
        assert!(word.claim(1));
        let take = |w: &AtomicU64| w.take_back(w.state());
        let (there, here) = both(&word, take, take);
        assert!((there == Requeued::Ready) != (here == Requeued::Ready));
        assert_eq!(word.state().tries(), 1);
    });
}

#[test]
fn a_call_of_a_dead_worker_is_given_back_once_beside_a_patrol() {
    loom::model(|| {
        let (word, _) = ready();
        assert!(word.claim(1));
        let (supervisor, client) = both(&word, |w| w.requeue(1, false), |w| w.take_back(w.state()));
        assert!((supervisor == Requeued::Ready) != (client == Requeued::Ready));
        assert_eq!((word.state().phase(), word.state().tries()), (Some(Phase::Ready), 1));
    });
}

#[test]
fn a_buried_call_is_freed_once() {
    loom::model(|| {
        let (word, generation) = running(1);
        let (buried, detached) = both(&word, |w| w.bury(1), move |w| w.detach(generation));
        match (buried, detached) {
            (Settled::Freed { .. }, Detached::Left) => assert_eq!(word.state().phase(), Some(Phase::Free)),
            (Settled::Kept { .. }, Detached::Finished) => assert!(word.collect(generation).is_ok()),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_released_slot_is_reserved_by_its_next_number() {
    loom::model(|| {
        let (word, generation) = running(1);
        let _ = word.finish(1);
        assert!(word.collect(generation).is_ok());
        let (released, reserved) = both(&word, move |w| w.release(generation), |w| w.reserve());
        assert!(released);
        assert!(reserved.is_none_or(|next| next == generation + 1));
    });
}

#[test]
fn what_publish_releases_claim_acquires() {
    loom::model(|| {
        let word = Arc::new(AtomicU64::new(0));
        let payload = Arc::new(loom::cell::UnsafeCell::new(0));
        let generation = word.reserve().expect("a new word is free");
        let (there, theirs) = (word.clone(), payload.clone());
        let worker = thread::spawn(move || {
            if there.claim(1) && there.begin(1) {
                // SAFETY: this thread runs the call, so it alone holds the payload; loom checks it.
                theirs.with_mut(|p| unsafe { *p += 1 });
                let _ = there.finish(1);
            }
        });
        // SAFETY: this thread fills the slot, so it alone holds the payload; loom checks it.
        payload.with_mut(|p| unsafe { *p = 41 });
        assert!(word.publish(generation));
        if word.collect(generation).is_ok() {
            // SAFETY: this thread collected the call, so it alone holds the payload; loom checks it.
            assert_eq!(payload.with(|p| unsafe { *p }), 42);
        }
        worker.join().expect("the model's thread");
    });
}

/// A worker that dozed offers what another one holds and has not come to: both may follow the hint.
#[test]
fn a_call_in_two_hands_is_begun_once() {
    loom::model(|| {
        let (word, _) = ready();
        let run = |owner: u16| move |w: &AtomicU64| w.claim(owner) && w.begin(owner);
        let (a, b) = both(&word, run(1), run(2));
        assert!(a != b);
    });
}
