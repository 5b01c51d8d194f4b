//! The races of the protocol table, in every order that the memory model allows, the longest in those of up to three
//! preemptions. `cargo model` runs them.
//!
//! Each row of the table meets every other that may move the same word. Without a model of their own are
//! `publish` and `abandon`: a slot that is being filled is nobody else's, until `claim` sees it.

mod ring;
mod steps;
mod watch;

use loom::sync::Arc;
use loom::sync::atomic::Ordering::{AcqRel, Acquire, Release, SeqCst};
use loom::sync::atomic::{AtomicU64, fence};
use loom::thread;

use crate::shm::hint::{Bits, HintSet, Members};
use crate::shm::lookout::{Lookout, Rest};
use crate::shm::told::Said64;
use crate::shm::word::{Atomic64, Cancelled, Detached, Phase, Requeued, Settled, Word};

impl Atomic64 for AtomicU64 {
    fn load(&self) -> u64 {
        self.load(Acquire)
    }

    fn swap_if(&self, current: u64, new: u64) -> Result<(), u64> {
        self.compare_exchange(current, new, AcqRel, Acquire).map(drop)
    }
}

impl Bits for AtomicU64 {
    fn look(&self) -> u64 {
        self.load(Acquire)
    }

    fn set(&self, bits: u64) -> u64 {
        self.fetch_or(bits, AcqRel)
    }

    fn clear(&self, bits: u64) -> u64 {
        self.fetch_and(!bits, AcqRel)
    }

    fn meet() {
        fence(SeqCst);
    }
}

impl Said64 for AtomicU64 {
    fn get(&self) -> u64 {
        self.load(Acquire)
    }

    fn set(&self, number: u64) {
        self.store(number, Release);
    }
}

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

fn both<A: Send + 'static, B>(
    word: &Arc<AtomicU64>,
    there: impl FnOnce(&AtomicU64) -> A + Send + 'static,
    here: impl FnOnce(&AtomicU64) -> B,
) -> (A, B) {
    let other = word.clone();
    let thread = thread::spawn(move || there(&other));
    let here = here(word);
    (thread.join().expect("the model's thread"), here)
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

/// The sets of a pool with idle and alert workers.
#[derive(Clone)]
struct Sets(Arc<[[AtomicU64; 1]; 4]>);

impl Sets {
    fn new(idle: u64, alert: u64) -> Sets {
        Sets(Arc::new([0, 0, idle, alert].map(|bits| [AtomicU64::new(bits)])))
    }

    fn lookout(&self) -> Lookout<'_, AtomicU64> {
        let [ready, background, idle, alert] = &*self.0;
        let [ready, background, idle, alert] =
            [ready, background, idle, alert].map(|words| HintSet::over(words, 64));
        Lookout { ready, background, idle, alert }
    }
}

#[test]
fn no_wake_up_is_lost() {
    // Of a worker that sleeps after running a call, and of one that was alert until then.
    for alert in [0, 1 << 3] {
        loom::model(move || {
            let (sets, there) = {
                let sets = Sets::new(0, alert);
                (sets.clone(), sets)
            };
            let worker = thread::spawn(move || there.lookout().rest(3, false, || false) != Rest::Not);
            let woken = sets.lookout().offer(5);
            let rests = worker.join().expect("the model's thread");
            assert!(!rests || woken == Some(3), "the worker sleeps and nobody wakes it");
        });
    }
}

#[test]
fn what_is_offered_to_an_alert_worker_is_found() {
    loom::model(|| {
        // Worker 3 is alert, takes a call that may be long and settles down; worker 1 sleeps.
        let sets = Sets::new(1 << 1, 1 << 3);
        let there = sets.clone();
        let worker = thread::spawn(move || there.lookout().settle_down(3));
        let woken = sets.lookout().offer(5);
        let passed_on = worker.join().expect("the model's thread");
        assert!(woken == Some(1) || passed_on == Some(1), "the call waits while worker 1 sleeps");
    });
}

#[test]
fn beside_an_alert_worker_one_dozes() {
    loom::model(|| {
        // Worker 3 runs short calls from now on, and worker 1 goes to rest.
        let sets = Sets::new(0, 0);
        let there = sets.clone();
        let worker = thread::spawn(move || there.lookout().rest(1, false, || false));
        let woken = sets.lookout().wake_up(3);
        let rest = worker.join().expect("the model's thread");
        assert!(rest == Rest::Doze || woken == Some(1), "nobody looks after what worker 3 has in hand");
    });
}

#[test]
fn beside_one_that_searched_and_found_one_dozes() {
    loom::model(|| {
        let sets = Sets::new(0, 0);
        let there = sets.clone();
        let worker = thread::spawn(move || there.lookout().rest(1, false, || false));
        sets.lookout().search(3);
        // It has found a call by now.
        let woken = sets.lookout().who_dozes();
        let rest = worker.join().expect("the model's thread");
        assert!(rest == Rest::Doze || woken == Some(1), "nobody looks after what worker 3 has in hand");
    });
}

#[test]
fn a_stopped_worker_keeps_no_wake_up() {
    // Worker 1 is stopped, among the idle or the alert; worker 2 is about to sleep.
    for (idle, alert) in [(1 << 1, 0), (0, 1 << 1)] {
        // Three threads with a dozen steps each: every order of up to three preemptions.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(move || {
            let sets = Sets::new(idle, alert);
            let wake = Arc::new(AtomicU64::new(0));
            let (there, bell) = (sets.clone(), wake.clone());
            let worker = thread::spawn(move || {
                let seen = bell.load(Acquire);
                (there.lookout().rest(2, false, || false) == Rest::Sleep).then_some(seen)
            });
            let (there, bell) = (sets.clone(), wake.clone());
            let publisher = thread::spawn(move || {
                if there.lookout().offer(5) == Some(2) {
                    bell.fetch_add(1, AcqRel);
                }
            });
            sets.lookout().forget(1);
            wake.fetch_add(1, AcqRel);
            publisher.join().expect("the model's thread");
            let slept_on = worker.join().expect("the model's thread");
            // Whoever rings after a sleeper looked at its bell wakes it; one that nobody rang sleeps on.
            assert!(slept_on != Some(wake.load(Acquire)), "the call waits for ever");
        });
    }
}

#[test]
fn no_wake_up_for_a_background_call_is_lost() {
    // Beside worker 1, which is reserved and sleeps, and worker 0, which is reserved and alert, or not.
    for alert in [0, 1 << 0, 1 << 3] {
        loom::model(move || {
            let sets = Sets::new(1 << 1, alert);
            let there = sets.clone();
            let worker = thread::spawn(move || there.lookout().rest(3, true, || false) != Rest::Not);
            let woken = sets.lookout().offer_background(5, 2);
            let rests = worker.join().expect("the model's thread");
            assert!(woken.is_none_or(|woken| woken == 3), "a reserved worker is woken");
            assert!(!rests || woken == Some(3), "the worker sleeps and nobody wakes it");
        });
    }
}

#[test]
fn a_background_call_is_passed_on() {
    // Worker 0 is reserved and alert; 2 and 3 may run background calls and sleep.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let sets = Sets::new(1 << 2 | 1 << 3, 1 << 0);
        let look_and_rest = |sets: &Sets| {
            let lookout = sets.lookout();
            if lookout.ready.take(0).is_some() {
                return None;
            }
            if lookout.rest(0, false, || false) == Rest::Not {
                lookout.idle.remove(0);
                return None;
            }
            lookout.pass_on(2)
        };
        let woken = sets.lookout().offer_background(5, 2);
        assert_eq!(woken, Some(2));
        let there = sets.clone();
        // The one that was woken takes an ordinary call, if it finds one.
        let second = thread::spawn(move || {
            there.lookout().ready.take(0).or_else(|| there.lookout().background.take(0))
        });
        let there = sets.clone();
        let reserved = thread::spawn(move || look_and_rest(&there));
        let woken = sets.lookout().offer(6);
        let first = second.join().expect("the model's thread");
        let passed_on = reserved.join().expect("the model's thread");
        // Whoever was woken looks for a call once more; so does who was not to sleep.
        let again =
            if sets.lookout().idle.contains(0) && woken != Some(0) { None } else { look_and_rest(&sets) };
        let runs = first == Some(5) || [woken, passed_on, again].contains(&Some(3));
        assert!(runs, "the background call waits while worker 3 sleeps");
    });
}

#[test]
fn of_several_hints_each_is_taken_by_one() {
    loom::model(|| {
        let set = Arc::new([AtomicU64::new(0b111)]);
        let there = set.clone();
        let other = thread::spawn(move || HintSet::over(&there[..], 64).take_some(0, |_| 2));
        let here = HintSet::over(&set[..], 64).take_some(0, |_| 2);
        let other = other.join().expect("the model's thread");
        let bits = |members: Option<Members>| members.map_or(0, |members| members.bits);
        assert_eq!(bits(here) & bits(other), 0);
        assert_eq!(bits(here) | bits(other) | set[0].load(Acquire), 0b111);
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

#[test]
fn a_hint_is_followed_by_one() {
    loom::model(|| {
        let set = Arc::new([AtomicU64::new(1 << 9)]);
        let there = set.clone();
        let other = thread::spawn(move || HintSet::over(&there[..], 64).take(0));
        let here = HintSet::over(&set[..], 64).take(0);
        assert!(here.is_some() != other.join().expect("the model's thread").is_some());
    });
}
