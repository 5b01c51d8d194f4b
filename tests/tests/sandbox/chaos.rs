//! Workers and supervisors that are killed at any moment.

use std::collections::HashMap;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use multicore::{Error, Pool, Sandbox};
use multicore_tests::payload::Random;
use multicore_tests::rig::Rig;
use multicore_tests::{procfs, wild};
use nix::sys::signal::{Signal as Kill, kill};
use nix::unistd::Pid;

use crate::{seed, with_rig};

/// Says on a descriptor that it runs, and takes a little time.
#[multicore::task]
fn tell(descriptor: i32, n: u64, microseconds: u64) -> u64 {
    assert!(wild::write_to_number(descriptor, &n.to_ne_bytes()));
    std::thread::sleep(Duration::from_micros(microseconds));
    n * 3
}

/// A call by its number, and what became of it: `None` for its own result, else whether it had begun when its
/// worker died.
type Settled = (u64, Option<bool>);

/// Every call settles once, with its own result or a death, and none runs twice.
#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn every_call_settles_once_while_sandboxed_workers_are_killed() {
    let seed = seed("MULTICORE_CHAOS_SEED");
    let (mut reader, told) = std::io::pipe().unwrap();
    let number = told.as_raw_fd();
    let mut runs = HashMap::<u64, u64>::new();
    let mut settled = Vec::new();
    std::thread::scope(|scope| {
        // What workers tell, until nobody is left who could.
        let runs = &mut runs;
        scope.spawn(move || {
            let mut bytes = [0; 8];
            while reader.read_exact(&mut bytes).is_ok() {
                *runs.entry(u64::from_ne_bytes(bytes)).or_default() += 1;
            }
        });
        let config = Pool::builder().workers(3).slots(16).sandbox(Sandbox::new()).keep_fds([number]);
        with_rig(config, |rig| settled = under_fire(rig, number, seed));
        drop(told);
    });
    let count = |wanted: Option<bool>| settled.iter().filter(|(_, end)| *end == wanted).count();
    println!("{} right, {} died running, {} before", count(None), count(Some(true)), count(Some(false)));
    for (n, end) in &settled {
        let times = runs.get(n).copied().unwrap_or(0);
        let possible = match end {
            None => times == 1,
            Some(started) => times <= u64::from(*started),
        };
        assert!(possible, "call {n} ended as {end:?} and ran {times} times");
    }
    assert!(count(None) > 0 && count(Some(true)) > 0);
}

/// Calls from three threads while processes are killed.
fn under_fire(rig: &Rig, number: i32, seed: u64) -> Vec<Settled> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..3)
            .map(|thread| {
                let over = &over;
                scope.spawn(move || call_until(rig, number, thread << 32, seed ^ thread, over))
            })
            .collect();
        kill_some(rig, 100, !seed);
        over.store(true, Relaxed);
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    })
}

fn call_until(rig: &Rig, number: i32, first: u64, seed: u64, over: &AtomicBool) -> Vec<Settled> {
    let mut random = Random::new(seed);
    let mut numbers = first..;
    let mut settled = Vec::new();
    while !over.load(Relaxed) {
        let group: Vec<_> = (&mut numbers)
            .take(1 + random.below(8) as usize)
            .map(|n| (n, rig.pool.spawn(tell::call(number, n, random.below(300))).unwrap()))
            .collect();
        settled.extend(group.into_iter().map(|(n, handle)| match handle.get() {
            Ok(value) => {
                assert_eq!(value, n * 3);
                (n, None)
            }
            Err(Error::Died { started, .. }) => (n, Some(started)),
            Err(other) => panic!("call {n}: {other}"),
        }));
    }
    settled
}

/// Kills workers, and now and then the supervisor.
fn kill_some(rig: &Rig, kills: u64, seed: u64) {
    let mut random = Random::new(seed);
    let mut supervisor = rig.supervisor();
    let mut killed = 0;
    while killed < kills {
        std::thread::sleep(Duration::from_micros(500 + random.below(8000)));
        if !supervisor.lives() {
            supervisor = rig.supervisor();
        }
        let workers = procfs::children(supervisor.pid);
        let worker = workers.get(random.below(1 + workers.len() as u64) as usize);
        let victim = if random.below(12) == 0 { Some(&supervisor) } else { worker };
        // One that has ended since was collected by the supervisor, whose child alone it can be.
        if let Some(victim) = victim.filter(|victim| victim.lives())
            && kill(Pid::from_raw(victim.pid), Kill::SIGKILL).is_ok()
        {
            killed += 1;
        }
    }
}
