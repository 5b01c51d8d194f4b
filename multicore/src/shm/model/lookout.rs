//! The races of those who publish calls with those who look for one, or are about to sleep.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::{AcqRel, Acquire};
use loom::thread;

use super::check;
use crate::shm::hint::{HintSet, Members};
use crate::shm::lookout::{Lookout, Rest};

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
        check(3, move || {
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
    check(3, || {
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
