//! That whoever settles an awaited call tells of it: without that the waker thread would find it ten times a second,
//! and every test of awaits would pass.

use crate::processes::client::life::Loss;
use crate::processes::client::patrol::test::{client, ready, running};
use crate::processes::client::{Client, Ticket};
use crate::processes::repair::{self, Death};
use crate::processes::worker::tell;
use crate::shm::word::Word;

/// Slot 0 is awaited and the thread sleeps; then this happens.
#[track_caller]
fn tells(call: fn(&Client, u64, u32) -> u32, happens: fn(&Client, Ticket)) {
    let client = client();
    let generation = call(&client, 0, 0);
    let watch = client.region.watch();
    watch.begin();
    assert!(client.region.slot(0).state.wait(generation).is_ok());
    assert!(watch.rest().is_some(), "nothing happened yet");
    happens(&client, Ticket { slot: 0, generation });
    assert!(client.is_settled(Ticket { slot: 0, generation }));
    assert!(watch.told.contains(0), "it is told of");
    assert!(!watch.ring(), "and the bell was rung");
}

#[test]
fn a_worker_that_finishes_an_awaited_call_tells() {
    tells(running, |client, _| {
        tell(&client.region, 0, client.region.slot(0).state.finish(1));
    });
}

#[test]
fn a_repair_that_buries_an_awaited_call_tells() {
    tells(running, |client, _| repair::after_death(&client.region, &Death::unseen(&client.region, 1)));
}

#[test]
fn a_repair_tells_of_what_a_dead_worker_finished() {
    tells(running, |client, _| {
        let _ = client.region.slot(0).state.finish(1);
        repair::after_death(&client.region, &Death::unseen(&client.region, 1));
    });
}

#[test]
fn a_cancelled_call_that_is_awaited_is_told_of() {
    tells(ready, |client, ticket| client.cancel(ticket));
}

#[test]
fn what_a_closed_pool_settles_is_told_of() {
    tells(ready, |client, _| client.settle_all(&Loss::Closed));
}

/// Nobody pays who does not await.
#[test]
fn what_is_not_awaited_is_not_told_of() {
    let client = client();
    let generation = running(&client, 0, 0);
    let watch = client.region.watch();
    assert!(client.region.slot(0).state.wait(generation).is_ok());
    tell(&client.region, 0, client.region.slot(0).state.finish(1));
    assert!(!watch.told.any());
}
