//! Handles that are collected together.

use std::time::Duration;

use multicore::{Elapsed, Error, Handle, as_completed, join_all, join_all_timeout, select_first};

use super::short::wait_for;
use crate::fixture::Folder;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks::{abort, nap, square};

/// No call takes so long.
const LONG: Duration = Duration::from_secs(60);
/// Some do not end in it.
const SHORT: Duration = Duration::from_millis(30);

fn gates(folder: &Folder, count: usize) -> Vec<String> {
    (0..count).map(|n| folder.file(&n.to_string())).collect()
}

fn open(gate: &str) {
    std::fs::write(gate, "").unwrap();
}

/// However many, and whatever became of them.
pub fn join_all_gives_what_became_of_each_in_order() {
    let rig = Rig::with(builder().workers(2).slots(4));
    let mut handles: Vec<_> = (0..100).map(|n| rig.pool.spawn(square::call(n)).unwrap()).collect();
    handles.insert(50, rig.pool.spawn(abort::call()).unwrap());
    for (at, result) in (0..).zip(join_all(handles)) {
        match result {
            Err(Error::Died { .. }) if at == 50 => {}
            result => assert_eq!(result.unwrap().isqrt(), if at < 50 { at } else { at - 1 }),
        }
    }
    assert!(join_all(Vec::<Handle<u64>>::new()).is_empty());
    rig.end();
}

/// The handles of the others come back, and work.
pub fn join_all_timeout_gives_what_finished_and_the_handles_of_what_did_not() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gates = gates(&folder, 3);
        open(&gates[1]);
        let handles: Vec<_> =
            gates.iter().map(|gate| rig.pool.spawn(wait_for::call(gate)).unwrap()).collect();
        // The second call is behind the first in its worker's hands or in the other's.
        let joined = join_all_timeout(handles, LONG.min(SHORT * 20));
        assert!(matches!(joined.finished[..], [(1, Ok(()))]), "{joined:?}");
        let places: Vec<_> = joined.pending.iter().map(|(at, _)| *at).collect();
        assert_eq!(places, [0, 2]);
        gates.iter().for_each(|gate| open(gate));
        let rest = join_all_timeout(joined.pending.into_iter().map(|(_, handle)| handle), LONG);
        assert!(rest.pending.is_empty());
        assert!(matches!(rest.finished[..], [(0, Ok(())), (1, Ok(()))]));

        let none = join_all_timeout(Vec::<Handle<u64>>::new(), LONG);
        assert!(none.finished.is_empty() && none.pending.is_empty());
    });
}

/// Whatever the order in which they were made.
pub fn as_completed_gives_results_in_the_order_in_which_they_come() {
    let rig = Rig::new(3);
    let folder = Folder::new();
    let gates = gates(&folder, 3);
    let handles: Vec<_> = gates.iter().map(|gate| rig.pool.spawn(wait_for::call(gate)).unwrap()).collect();
    let mut completed = as_completed(handles);
    for at in [2, 0, 1] {
        assert!(matches!(completed.next_timeout(SHORT), Err(Elapsed)));
        open(&gates[at]);
        let (place, result) = completed.next().unwrap();
        result.unwrap();
        assert_eq!(place, at);
        assert_eq!(completed.len(), [1, 0, 2][at]);
    }
    assert!(completed.next().is_none());
    assert!(matches!(completed.next_timeout(SHORT), Ok(None)));
    rig.end();
}

/// So that they can be waited for elsewhere, or cancelled.
pub fn as_completed_hands_the_other_handles_back() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gates = gates(&folder, 2);
        let calls = [wait_for::call(""), wait_for::call(&gates[0]), wait_for::call(&gates[1])];
        let mut completed = as_completed(calls.map(|call| rig.pool.spawn(call).unwrap()));
        assert!(matches!(completed.next(), Some((0, Ok(())))));
        let pending = completed.into_pending();
        assert_eq!(pending.len(), 2);
        pending.iter().for_each(|(_, handle)| handle.cancel());
        for (_, handle) in pending {
            assert!(matches!(handle.get(), Err(Error::Cancelled { .. })));
        }
    });
}

/// The others go on.
pub fn select_first_gives_the_first_and_the_other_handles() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gates = gates(&folder, 2);
        open(&gates[1]);
        let calls = [wait_for::call(&gates[0]), wait_for::call(&gates[1])];
        let first = select_first(calls.map(|call| rig.pool.spawn(call).unwrap())).unwrap();
        first.result.unwrap();
        assert_eq!(first.index, 1);
        open(&gates[0]);
        let [(place, handle)] = <[_; 1]>::try_from(first.rest).unwrap();
        assert_eq!(place, 0);
        handle.get().unwrap();
        assert!(select_first(Vec::<Handle<u64>>::new()).is_none());
    });
}

/// Of more than one pool, one of them shut down.
pub fn handles_of_several_pools_are_waited_for_together() {
    let (one, two) = (Rig::new(1), Rig::new(2));
    let folder = Folder::new();
    let gates = gates(&folder, 2);
    let blocked = one.pool.spawn(wait_for::call(&gates[0])).unwrap();
    let mut completed = as_completed([blocked, two.pool.spawn(wait_for::call(&gates[1])).unwrap()]);
    assert!(completed.next_timeout(SHORT).is_err());
    open(&gates[1]);
    assert!(matches!(completed.next(), Some((1, Ok(())))));
    open(&gates[0]);
    assert!(matches!(completed.next(), Some((0, Ok(())))));

    let handles: Vec<_> = (0..40)
        .map(|n| if n % 2 == 0 { &one.pool } else { &two.pool }.spawn(square::call(n)).unwrap())
        .collect();
    two.pool.shutdown();
    for (at, result) in as_completed(handles) {
        assert_eq!(result.unwrap(), (at * at) as u64);
    }
    one.end();
}

/// Far more handles than slots, most of them finished long since.
pub fn many_handles_are_completed_through_few_slots() {
    let rig = Rig::with(builder().workers(2).slots(4));
    let handles: Vec<_> = (0..1000).map(|n| rig.pool.spawn(square::call(n)).unwrap()).collect();
    let mut seen = vec![false; 1000];
    for (at, result) in as_completed(handles) {
        assert_eq!(result.unwrap(), (at * at) as u64);
        assert!(!std::mem::replace(&mut seen[at], true), "each comes once");
    }
    assert!(seen.iter().all(|seen| *seen));
    rig.end();
}

/// Dropped in the middle, the others run, and their slots are free again.
pub fn a_dropped_as_completed_detaches_the_rest() {
    let rig = Rig::with(builder().workers(2).slots(4));
    for _ in 0..20 {
        let mut completed = as_completed((0..4).map(|_| rig.pool.spawn(nap::call(0)).unwrap()));
        assert!(completed.next().unwrap().1.is_ok());
    }
    rig.end();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! joined_scenes {
    ($($then:tt)*) => {
        $($then)*! { joined:
            join_all_gives_what_became_of_each_in_order
            join_all_timeout_gives_what_finished_and_the_handles_of_what_did_not
            as_completed_gives_results_in_the_order_in_which_they_come
            as_completed_hands_the_other_handles_back
            select_first_gives_the_first_and_the_other_handles
            handles_of_several_pools_are_waited_for_together
            many_handles_are_completed_through_few_slots
            a_dropped_as_completed_detaches_the_rest
        }
    };
}
