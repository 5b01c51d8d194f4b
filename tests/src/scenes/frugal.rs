//! What a pool and its client take of the machine: memory, and time while nothing is to be done.

use std::time::Duration;

use multicore::Error;
use nix::unistd::Pid;

use crate::payload::{self, Random};
use crate::procfs::{self, Stat};
use crate::rig::{Rig, builder};
use crate::watch::eventually;
use crate::{tasks, wild};

/// What windows keep however little the pool may: 16 KiB each; and what lies before them.
const ALWAYS: u64 = 16 << 20;

/// Where the pool may keep none: all but the first bytes of each window, whoever frees the slot.
pub fn large_payloads_give_their_memory_back() {
    let rig = Rig::with(builder().workers(2).warm_memory(0));
    let large = vec![7; 64 << 20];
    for _ in 0..3 {
        assert!(rig.pool.spawn(tasks::echo::call(&large)).unwrap().get().unwrap() == large);
        assert!(procfs::region_memory() < ALWAYS);
        assert_eq!(rig.pool.spawn(tasks::length::call(&large)).unwrap().get().unwrap(), large.len() as u64);
    }
    // Handles that are dropped while their calls wait or run.
    let first = rig.pool.spawn(tasks::nap::call(100)).unwrap();
    let second = rig.pool.spawn(tasks::nap::call(100)).unwrap();
    for _ in 0..3 {
        drop(rig.pool.spawn(tasks::echo::call(&large)).unwrap());
    }
    assert_eq!((first.get().unwrap(), second.get().unwrap()), (100, 100));
    // Behind the others, on both workers.
    rig.check();
    crate::watch::eventually("memory is given back", || procfs::region_memory() < ALWAYS);
    rig.end();
}

/// However many slots have held how much: the last one that was used keeps its pages, others give theirs
/// back for it.
pub fn what_a_pool_keeps_warm_is_bounded() {
    const BOUND: u64 = 24 << 20;
    let rig = Rig::with(builder().workers(2).warm_memory(BOUND));
    let small = procfs::region_memory();
    let mut random = Random::new(5);
    for round in 1..30 {
        let sizes: Vec<usize> = (0..round % 7).map(|_| random.size(payload::MOST as u64)).collect();
        let of = |(seed, len): (u64, &usize)| payload::bytes(seed, *len);
        let arguments: Vec<_> = (0..).zip(&sizes).map(of).collect();
        let spawn = |bytes: &&[u8]| rig.pool.spawn(tasks::echo::call(bytes)).unwrap();
        let handles: Vec<_> = arguments.iter().map(spawn).collect();
        for (seed, handle) in (0..).zip(handles) {
            payload::check(&handle.get().unwrap(), seed, sizes[seed as usize]);
        }
        assert!(procfs::region_memory() < small + BOUND + ALWAYS, "round {round}: {sizes:?}");
    }
    // All of it for one slot, which had nothing: 8 MiB there and back.
    let held: Vec<_> = (0..2).map(|_| rig.pool.spawn(tasks::nap::call(100)).unwrap()).collect();
    let large = vec![3; 8 << 20];
    let handle = rig.pool.spawn(tasks::echo::call(&large)).unwrap();
    held.into_iter().for_each(|handle| assert_eq!(handle.get().unwrap(), 100));
    assert!(handle.get().unwrap() == large);
    let now = procfs::region_memory();
    assert!((small + (16 << 20)..small + BOUND + ALWAYS).contains(&now), "{now}");
    rig.end();
}

/// All but what calls of a few bytes need, with nobody in the client doing anything; and large payloads travel
/// as before.
pub fn an_idle_pool_gives_its_memory_back() {
    let rig = Rig::new(2);
    let large = payload::bytes(3, payload::MOST);
    let call = || rig.pool.spawn(tasks::hand_back::call(large)).unwrap();
    let small = procfs::region_memory();
    let lent = call().get_ref().unwrap();
    for _ in 0..3 {
        for handle in [call(), call(), call()] {
            payload::check(&handle.get().unwrap(), 3, payload::MOST);
        }
        assert!(procfs::region_memory() > small + (8 << 20), "warm");
        let own = 2 * payload::MOST as u64 + (1 << 20);
        eventually("memory is given back", || procfs::region_memory() < small + own);
    }
    payload::check(&lent.into_owned().unwrap(), 3, payload::MOST);
    eventually("all of it", || procfs::region_memory() < small + (1 << 20));
    // The slots' last calls were short from here on.
    rig.check();
    let unsent = rig.pool.spawn(take_both::call(large, tasks::FailsInSerialize(1)));
    assert!(matches!(unsent, Err(Error::Encode { .. })), "{unsent:?}");
    assert!(procfs::region_memory() > small + (2 << 20), "what it took is kept");
    eventually("that of a call that was not sent", || procfs::region_memory() < small + (1 << 20));
    payload::check(&call().get().unwrap(), 3, payload::MOST);
    let before = rig.supervisor();
    nix::sys::signal::kill(Pid::from_raw(before.pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    eventually("there is another supervisor", || {
        // Somebody waits for a call, and finds that there is none.
        assert_eq!(rig.pool.spawn(tasks::square::call(3)).unwrap().get().unwrap(), 9);
        !before.lives()
    });
    rig.check();
    eventually("by the next supervisor", || procfs::region_memory() < small + (1 << 20));
    rig.end();
}

/// The first is encoded before the second fails.
#[multicore::task]
fn take_both(bytes: &[u8], bad: tasks::FailsInSerialize) -> u64 {
    bytes.len() as u64 + bad.0
}

/// A part of the arguments is found where they lie, unless somebody else has to hand it over.
pub fn what_is_handed_back_takes_no_second_window() {
    let rig = Rig::new(2);
    let large = payload::bytes(3, payload::MOST);
    let before = procfs::region_memory();
    let lent = rig.pool.spawn(tasks::hand_back::call(large)).unwrap().get_ref().unwrap();
    let taken = procfs::region_memory() - before;
    assert!((4 << 20..5 << 20).contains(&taken), "{taken}");
    payload::check(wild::in_place(&lent), 3, payload::MOST);
    rig.end();
}

/// Read from the processes' own times; nobody waits for anything.
fn idle_for(time: Duration) {
    let rig = Rig::new(2);
    rig.check();
    let processes: Vec<Stat> = rig.workers().into_iter().chain([rig.supervisor()]).collect();
    // The last calls were answered before their workers went to sleep.
    std::thread::sleep(Duration::from_millis(100));
    let ticks = || -> Vec<_> { processes.iter().map(|p| procfs::stat(p.pid).map(|now| now.ticks)).collect() };
    let before = ticks();
    std::thread::sleep(time);
    assert_eq!(ticks(), before);
    rig.end();
}

/// Two seconds of nothing: not one tick of the clock.
pub fn idle_processes_use_no_cpu() {
    idle_for(Duration::from_secs(2));
}

/// The same for ten.
pub fn idle_processes_use_no_cpu_in_ten_seconds() {
    idle_for(Duration::from_secs(10));
}

/// A source without an end, a million results in order: what the client keeps meanwhile does not grow.
pub fn a_million_mapped_results_leave_memory_flat() {
    let rig = Rig::with(builder().workers(2));
    let client = std::process::id() as i32;
    let mut results = rig.pool.map((0..).map(tasks::square::call));
    let (mut before, mut after) = (0, 0);
    for n in 0..1_000_000u64 {
        assert_eq!(results.next().unwrap().unwrap(), n * n);
        match n {
            100_000 => before = procfs::own_memory(client),
            _ if n % 100_000 == 99_999 => after = after.max(procfs::own_memory(client)),
            _ => {}
        }
    }
    drop(results);
    assert!(before != 0 && after <= before + 1024, "{before} KiB, later {after} KiB");
    rig.end();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! frugal_scenes {
    ($($then:tt)*) => {
        $($then)*! { frugal:
            large_payloads_give_their_memory_back
            what_a_pool_keeps_warm_is_bounded
            what_is_handed_back_takes_no_second_window
            a_million_mapped_results_leave_memory_flat
            idle_processes_use_no_cpu
        }
    };
}

/// The scenes of this file that take long, given to a macro.
#[macro_export]
macro_rules! long_frugal_scenes {
    ($($then:tt)*) => {
        $($then)*! { frugal:
            idle_processes_use_no_cpu_in_ten_seconds
            an_idle_pool_gives_its_memory_back
        }
    };
}
