//! The state word, verb by verb.

use std::sync::atomic::AtomicU64;

use crate::shm::word::{Cancelled, Detached, MAX_TRIES, Phase, Rank, Requeued, Settled, State, Word};

fn word() -> AtomicU64 {
    AtomicU64::new(0)
}

#[test]
fn a_call_goes_round() {
    let word = word();
    for generation in 1..=3 {
        assert_eq!(word.reserve(), Some(generation));
        assert_eq!(word.reserve(), None);
        assert!(word.publish(generation) && word.claim(7) && word.begin(7));
        assert_eq!(word.finish(7), Settled::Kept { wake: false, expired: false });
        assert_eq!(word.collect(generation).map(|s| s.phase()), Ok(Some(Phase::Done)));
        assert!(word.release(generation));
    }
    assert_eq!(word.state().phase(), Some(Phase::Free));
}

#[test]
fn a_slot_is_renewed_once_its_call_has_settled() {
    let word = word();
    let generation = word.reserve().unwrap();
    assert_eq!(word.renew(generation), None);
    assert!(word.publish(generation) && word.claim(7) && word.begin(7) && word.wait(generation).is_ok());
    assert_eq!(word.renew(generation), None);
    assert_eq!(word.finish(7), Settled::Kept { wake: true, expired: false });
    assert_eq!(word.renew(generation + 1), None);
    assert_eq!(word.renew(generation), Some(generation + 1));
    assert!(word.collect(generation).is_err() && word.reserve().is_none() && !word.state().waiting());
    assert!(word.publish(generation + 1) && word.claim(7) && word.begin(7));
    assert_eq!(word.bury(7), Settled::Kept { wake: false, expired: false });
    assert_eq!(word.renew(generation + 1), Some(generation + 2));
    assert!(word.abandon(generation + 2));
}

#[test]
fn every_verb_refuses_the_wrong_hands() {
    let word = word();
    let generation = word.reserve().unwrap();
    assert!(!word.claim(1) && !word.publish(generation + 1) && !word.abandon(generation + 1));
    assert!(word.publish(generation) && word.claim(1));
    assert!(!word.begin(2));
    assert_eq!(word.finish(1), Settled::NotMine);
    assert_eq!(word.requeue(2, false), Requeued::NotMine);
    assert_eq!(word.bury(2), Settled::NotMine);
    assert!(word.begin(1));
    assert!(!word.expire(1, generation + 1) && !word.expire(2, generation));
    assert!(word.collect(generation).is_err());
    assert_eq!(word.finish(1), Settled::Kept { wake: false, expired: false });
    assert!(word.collect(generation + 1).is_err() && !word.release(generation));
    assert_eq!(word.detach(generation + 1), Detached::Gone);
}

#[test]
fn a_call_is_given_back_ten_times() {
    let word = word();
    let generation = word.reserve().unwrap();
    assert!(word.publish(generation));
    for _ in 0..MAX_TRIES {
        assert!(word.claim(1));
        assert_eq!(word.requeue(1, false), Requeued::Ready);
    }
    assert!(word.claim(1));
    assert_eq!(word.requeue(1, false), Requeued::TooOften);
    assert_eq!(word.bury(1), Settled::Kept { wake: false, expired: false });
    assert_eq!(word.collect(generation).map(|s| s.phase()), Ok(Some(Phase::Died)));
}

#[test]
fn a_call_that_was_handed_out_and_not_begun_is_given_back_ten_times() {
    let word = word();
    let generation = word.reserve().unwrap();
    assert!(word.publish(generation));
    for _ in 0..MAX_TRIES {
        assert!(word.claim(1) && word.begin(1));
        assert_eq!(word.requeue(1, false), Requeued::Ready);
    }
    assert!(word.claim(1) && word.begin(1));
    assert_eq!(word.requeue(1, false), Requeued::TooOften);
    assert_eq!(word.state().phase(), Some(Phase::Running), "it is there to be buried");
}

#[test]
fn a_begun_call_is_given_back_as_often_as_its_retries_say() {
    let word = word();
    let generation = word.reserve().unwrap();
    assert!(word.publish(generation));
    for _ in 0..3 * u32::from(MAX_TRIES) {
        assert!(word.claim(1) && word.begin(1));
        assert_eq!(word.requeue(1, true), Requeued::Ready);
    }
    assert_eq!(word.state().tries(), 0);
}

#[test]
fn flags_last_as_long_as_the_call() {
    let word = word();
    let generation = word.reserve().unwrap();
    assert!(word.publish(generation) && word.wait(generation).is_ok());
    assert!(word.claim(1) && word.begin(1) && word.expire(1, generation));
    assert_eq!(word.requeue(1, true), Requeued::Ready);
    assert!(word.state().waiting() && !word.state().expired());
    assert!(word.claim(2) && word.begin(2));
    assert_eq!(word.detach(generation), Detached::Left);
    assert_eq!(word.finish(2), Settled::Freed { expired: false });
    assert_eq!(word.reserve(), Some(generation + 1));
    let state = word.state();
    assert!(!state.waiting() && !state.detached() && state.tries() == 0 && state.owner() == 0);
}

#[test]
fn cancelling_withdraws_what_is_queued_and_marks_what_is_not() {
    let word = word();
    let generation = word.reserve().unwrap();
    assert_eq!(word.cancel(generation), Cancelled::TooLate);
    assert!(word.publish(generation));
    assert_eq!(word.cancel(generation + 1), Cancelled::TooLate);
    assert_eq!(word.cancel(generation), Cancelled::Withdrawn);
    assert!(!word.claim(1) && word.release(generation));
    let generation = word.reserve().unwrap();
    assert!(word.publish(generation) && word.claim(1));
    assert_eq!(word.cancel(generation), Cancelled::Marked);
    assert!(word.begin(1) && word.state().cancelled());
    assert_eq!(word.finish(1), Settled::Kept { wake: false, expired: false });
    assert_eq!(word.cancel(generation), Cancelled::TooLate);
}

#[test]
fn a_rank_lasts_as_long_as_the_call() {
    for level in Rank::LEVELS {
        for background in [false, true] {
            let (word, rank) = (word(), Rank { level, background });
            let rank_of = |state: State| (state.level(), state.is_background());
            let generation = word.reserve().unwrap();
            assert!(word.publish_as(generation, rank));
            for tries in 0..MAX_TRIES {
                assert!(word.claim(1023));
                assert_eq!((word.state().owner(), word.state().tries()), (1023, tries));
                assert_eq!(rank_of(word.state()), (level, background));
                assert_eq!(word.requeue(1023, false), Requeued::Ready);
            }
            assert_eq!(rank_of(word.state()), (level, background));
            assert!(word.claim(3) && word.begin(3));
            assert!(matches!(word.finish(3), Settled::Kept { .. }));
            assert_eq!(word.collect(generation).map(rank_of), Ok((level, background)));
            assert!(word.release(generation) && word.reserve().is_some());
            assert_eq!(rank_of(word.state()), (0, false));
        }
    }
}
