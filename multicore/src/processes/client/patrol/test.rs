//! The patrol row by row, and everything that client and supervisor read from the region with anything in
//! it; all on a pool that has no process.

use std::sync::Arc;
use std::sync::atomic::Ordering::Release;
use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::config::{Config, Start};
use crate::processes::client::collect::Kept;
use crate::processes::client::life::{self, Life};
use crate::processes::client::{HELD, RESERVING, Ticket};
use crate::processes::repair::{self, Death};
use crate::processes::supervisor::deadline::deadline;
use crate::processes::{map, state};
use crate::shm::layout::Geometry;
use crate::shm::word::{MAX_TRIES, Settled};

const SLOTS: usize = 4;
const WORKERS: usize = 2;
const WINDOW: usize = 8192;
const TENTH: Duration = Duration::from_millis(100);

pub(in crate::processes::client) fn client() -> Client {
    let config = Config::new().workers(WORKERS).slots(SLOTS).payload_limit(WINDOW as u64);
    let settings = config.settle().unwrap();
    let (region, file) = map::make(Geometry { slots: SLOTS, workers: WORKERS, window: WINDOW }).unwrap();
    (0..SLOTS).for_each(|slot| region.free().insert(slot));
    let hello = life::hello(region.geometry(), &settings, false).unwrap();
    let life = Life { link: None, verdict: None, hello, kept: Vec::new() };
    Client::new(region, Arc::clone(&file), None, settings, Vec::new(), Start::Exec, life)
}

/// A call in slot 0 that a thread here holds, with this limit and these retries.
pub(in crate::processes::client) fn ready(client: &Client, limit: u64, retries: u32) -> u32 {
    let word = client.region.slot(0).state;
    let generation = word.reserve().unwrap();
    client.seats[0].held.store(HELD | u64::from(generation), Release);
    client.seats[0].limit.store(limit, Relaxed);
    client.seats[0].retries.store(retries, Relaxed);
    assert!(client.region.free().remove(0) && word.publish(generation));
    generation
}

/// The same, begun by worker 1.
pub(in crate::processes::client) fn running(client: &Client, limit: u64, retries: u32) -> u32 {
    let generation = ready(client, limit, retries);
    let word = client.region.slot(0).state;
    client.region.worker(1).current.store(1, Release);
    assert!(word.claim(1) && word.begin(1));
    generation
}

/// What slot 0 needs in so many rounds.
fn needs(client: &Client, sight: &mut Sight, rounds: usize) -> Vec<Need> {
    (0..rounds).map(|_| client.visit(0, sight, TENTH)).collect()
}

#[test]
fn a_ready_call_without_its_hint_gets_it_back() {
    let client = client();
    ready(&client, 0, 0);
    let found = needs(&client, &mut Sight::default(), 2);
    assert_eq!(found, [Need::Nothing, Need::Worker]);
    assert_eq!(client.region.ready().take(0), Some(0));
}

#[test]
fn a_claimed_call_is_taken_back_and_given_up_at_last() {
    let client = client();
    ready(&client, 0, 0);
    let (word, mut sight) = (client.region.slot(0).state, Sight::default());
    for tries in 1..=MAX_TRIES {
        assert!(word.claim(1));
        assert_eq!(needs(&client, &mut sight, 2), [Need::Nothing, Need::Worker]);
        assert_eq!((word.state().phase(), word.state().tries()), (Some(Phase::Ready), tries));
    }
    assert!(word.claim(1));
    assert_eq!(needs(&client, &mut sight, 2), [Need::Nothing, Need::Poison]);
}

#[test]
fn a_call_that_runs_is_left_alone() {
    let client = client();
    running(&client, 0, 0);
    let found = needs(&client, &mut Sight::default(), 1000);
    assert!(found[..20].iter().all(|need| *need == Need::Nothing));
    assert!(found.iter().all(|need| [Need::Nothing, Need::Worker].contains(need)));
}

#[test]
fn a_call_that_its_owner_does_not_run_is_poison() {
    let client = client();
    running(&client, 0, 0);
    for forged in [0, 2, u32::MAX] {
        client.region.worker(1).current.store(forged, Release);
        let found = needs(&client, &mut Sight::default(), 3);
        assert_eq!(found, [Need::Nothing, Need::Nothing, Need::Poison], "{forged}");
    }
}

#[test]
fn a_call_far_beyond_its_limit_is_looked_at_and_then_poison() {
    let client = client();
    let limit = Duration::from_secs(1);
    running(&client, clock::nanoseconds(limit), 0);
    let found = needs(&client, &mut Sight::default(), 100);
    let first = |wanted| found.iter().position(|need| *need == wanted).unwrap() as u32 * TENTH;
    assert!(first(Need::Look) > limit + client.settings.grace + LATE - TENTH, "{found:?}");
    assert!(first(Need::Poison) > first(Need::Look) + LATE - 2 * TENTH, "{found:?}");
}

#[test]
fn a_call_that_changes_hands_for_ever_is_poison() {
    let client = client();
    running(&client, 1, 1);
    let (word, mut sight) = (client.region.slot(0).state, Sight::default());
    let mut found = Vec::new();
    for round in 0..200u16 {
        found.push(client.visit(0, &mut sight, TENTH));
        let (one, other) = (1 - round % 2, round % 2);
        assert_eq!(word.requeue(one, true), Requeued::Ready);
        assert!(word.claim(other) && word.begin(other));
        client.region.worker(usize::from(other)).current.store(1, Release);
        if found.last() == Some(&Need::Poison) {
            break;
        }
    }
    assert_eq!(found.last(), Some(&Need::Poison));
}

#[test]
fn a_slot_that_nobody_holds_is_freed() {
    for phase in [Phase::Filling, Phase::Done, Phase::Died, Phase::Collecting] {
        let client = client();
        client.region.free().remove(0);
        client.region.slot(0).state.store(7 << 32 | phase as u64, Release);
        assert_eq!(needs(&client, &mut Sight::default(), 1), [Need::Nothing]);
        assert!(client.region.slot(0).state.state().phase() == Some(phase), "one look is none");
        needs(&client, &mut Sight::default(), 2);
        assert_eq!(client.region.slot(0).state.state().phase(), Some(Phase::Free));
        assert!(client.region.free().remove(0));
    }
}

#[test]
fn a_slot_that_somebody_is_about_to_take_is_left_to_him() {
    let client = client();
    client.seats[0].held.store(RESERVING, Release);
    let generation = client.region.slot(0).state.reserve().unwrap();
    assert_eq!(needs(&client, &mut Sight::default(), 50), [Need::Nothing; 50]);
    assert!(client.region.slot(0).state.publish(generation));
}

#[test]
fn a_free_slot_without_its_hint_gets_it_back() {
    let client = client();
    client.region.free().remove(0);
    needs(&client, &mut Sight::default(), 2);
    assert!(client.region.free().remove(0));
}

#[test]
fn retries_that_nobody_granted_are_taken_away() {
    let client = client();
    ready(&client, 0, 3);
    client.region.slot(0).retries.store(2, Relaxed);
    needs(&client, &mut Sight::default(), 1);
    assert_eq!(client.region.slot(0).retries.load(Relaxed), 2);
    client.region.slot(0).retries.store(u32::MAX, Relaxed);
    needs(&client, &mut Sight::default(), 1);
    assert_eq!(client.region.slot(0).retries.load(Relaxed), 3);
}

#[test]
fn a_number_that_was_forged_is_not_given_twice() {
    let client = client();
    let word = |slot: usize| client.region.slot(slot).state;
    (0..SLOTS).for_each(|slot| word(slot).store(41 << 32, Release));
    let mut tickets = Vec::new();
    while let Some(slot) = client.region.free().take(0) {
        client.region.free().insert(slot);
        let Some(ticket) = client.try_reserve() else { break };
        tickets.push(ticket);
    }
    tickets.extend(std::iter::from_fn(|| client.try_reserve()));
    assert_eq!(tickets.len(), SLOTS);
    assert!(tickets.iter().all(|ticket| ticket.generation == 1), "{tickets:?}");
}

/// A word that may stand anywhere: near what is right, at an end, or anything.
fn anything() -> impl Strategy<Value = u64> {
    let state = (0u64..10, 0u64..16, 0u64..12, 0u64..4, 0u64..3).prop_map(
        |(phase, flags, tries, owner, generation)| {
            phase | flags << 4 | tries << 8 | owner << 16 | generation << 32
        },
    );
    prop_oneof![state, 0u64..8, (0u64..4).prop_map(|n| u64::MAX - n), any::<u64>()]
}

/// The control part with some words, or all, written over.
fn scribble(client: &Client, edits: &[(usize, u64)]) {
    let words = client.region.control_words();
    edits.iter().for_each(|(at, value)| words[at % words.len()].store(*value, Relaxed));
}

proptest! {
    #[test]
    fn a_client_settles_whatever_the_region_says(
        edits in proptest::collection::vec((any::<usize>(), anything()), 0..400),
        more in proptest::collection::vec((any::<usize>(), anything()), 0..40),
    ) {
        let client = client();
        let tickets: Vec<Ticket> = std::iter::from_fn(|| client.try_reserve()).take(3).collect();
        for ticket in &tickets {
            client.region.slot(ticket.slot as usize).state.publish(ticket.generation);
        }
        scribble(&client, &edits);
        let mut sights = [Sight::default(); SLOTS];
        for _ in 0..4 {
            for (slot, sight) in sights.iter_mut().enumerate() {
                let _ = client.visit(slot, sight, TENTH);
            }
            scribble(&client, &more);
        }
        client.settle_impossible();
        client.sweep();
        client.cancel(tickets[0]);
        client.forget(tickets[1]);
        for ticket in [tickets[0], tickets[2]] {
            // Without any process every call that is not settled is closed at the first look.
            client.wait(ticket, Some(Instant::now() + Duration::from_millis(1)));
            client.make_round(TENTH);
            prop_assert!(client.wait(ticket, Some(Instant::now())));
            client.take(ticket, |taken| drop(Kept::from(taken)));
        }
        // And every slot can be had again, once workers ran or left what nobody waits for.
        for _ in 0..4 {
            client.settle_impossible();
            for worker in 0..WORKERS as u16 {
                repair::after_death(&client.region, &Death::unseen(&client.region, worker));
            }
            for slot in 0..SLOTS {
                let word = client.region.slot(slot).state;
                let _ = word.claim(0) && word.begin(0) && word.finish(0) == Settled::NotMine;
            }
            client.make_round(TENTH);
        }
        let mut again = Vec::new();
        while again.len() < SLOTS && let Some(ticket) = client.try_reserve() {
            again.push(ticket);
        }
        prop_assert_eq!(again.len(), SLOTS);
    }

    #[test]
    fn a_supervisor_repairs_whatever_the_region_says(
        edits in proptest::collection::vec((any::<usize>(), anything()), 0..400),
    ) {
        let client = client();
        scribble(&client, &edits);
        let region = &client.region;
        let _ = state::look(region);
        for worker in 0..WORKERS {
            let _ = (deadline(region, worker), region.worker(worker).words.get());
            let _ = (repair::runs(region, worker as u16), region.worker(worker).breadcrumb.get());
            repair::after_death(region, &Death::unseen(region, worker as u16));
            let owned = |slot: &usize| {
                let state = region.slot(*slot).state.state();
                matches!(state.phase(), Some(Phase::Claimed | Phase::Running))
                    && usize::from(state.owner()) == worker
            };
            prop_assert_eq!((0..SLOTS).find(owned), None);
        }
    }
}
