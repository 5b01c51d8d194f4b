//! Processes that are stopped (SIGSTOP): no call waits for one that runs nothing, and deadlines hold.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use multicore::{Config, Error, Pool};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fixture::Folder;
use crate::payload::Random;
use crate::procfs::{self, Stat};
use crate::rig::{Rig, builder, with_pool};
use crate::tasks;
use crate::watch::eventually;

/// So long that nobody who is stopped is replaced for it.
const NEVER: Duration = Duration::from_secs(3600);

fn two() -> Config {
    builder().workers(2)
}

fn send(process: &Stat, signal: Signal) {
    kill(Pid::from_raw(process.pid), signal).expect("a process of ours");
}

/// Stops it, and waits until it is.
fn stop(process: &Stat) {
    send(process, Signal::SIGSTOP);
    eventually("it is stopped", || procfs::stat(process.pid).is_some_and(|now| now.state == 'T'));
}

#[track_caller]
fn squares(pool: &Pool, count: u64) {
    for n in 0..count {
        assert_eq!(pool.spawn(tasks::square::call(n)).unwrap().get().unwrap(), n * n);
    }
}

/// The other one runs them; and when it goes on, it takes its part again.
pub fn a_stopped_idle_worker_swallows_no_call() {
    let rig = Rig::with(two().grace(NEVER));
    let workers = rig.workers();
    let [one, other] = &workers[..] else { panic!("two workers") };
    for _ in 0..10 {
        // At once: it may be picked before anybody knows.
        send(one, Signal::SIGSTOP);
        squares(&rig.pool, 20);
        stop(one);
        squares(&rig.pool, 20);
        send(one, Signal::SIGCONT);
        // With the other one stopped, it has to.
        stop(other);
        squares(&rig.pool, 20);
        send(other, Signal::SIGCONT);
    }
    assert!(one.lives() && other.lives(), "nobody was replaced");
    rig.end();
}

/// Whatever they have in hand when they are stopped; what runs goes on with them.
pub fn workers_stopped_at_any_moment_lose_nothing() {
    let rig = Rig::with(two().slots(8).grace(NEVER));
    let workers = rig.workers();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2 {
            let (pool, over) = (&rig.pool, &over);
            scope.spawn(move || {
                while !over.load(Relaxed) {
                    let handles: Vec<_> =
                        (thread..thread + 12).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
                    for (n, handle) in (thread..).zip(handles) {
                        assert_eq!(handle.get().unwrap(), n * n);
                    }
                }
            });
        }
        let mut random = Random::new(3);
        for _ in 0..150 {
            let chosen: Vec<&Stat> = workers.iter().filter(|_| random.below(3) != 0).collect();
            chosen.iter().for_each(|worker| send(worker, Signal::SIGSTOP));
            thread::sleep(Duration::from_micros(random.below(4000)));
            chosen.iter().for_each(|worker| send(worker, Signal::SIGCONT));
            thread::sleep(Duration::from_micros(random.below(2000)));
        }
        over.store(true, Relaxed);
    });
    assert!(workers.iter().all(Stat::lives), "nobody was replaced");
    rig.end();
}

/// Calls of before and of meanwhile run once they go on.
pub fn a_pool_of_stopped_workers_waits_for_them() {
    let rig = Rig::with(two().grace(NEVER));
    let workers = rig.workers();
    workers.iter().for_each(stop);
    let handles: Vec<_> = (0..20).map(|n| rig.pool.spawn(tasks::square::call(n)).unwrap()).collect();
    thread::sleep(Duration::from_millis(300));
    assert!(!handles.iter().any(|handle| handle.is_finished()));
    workers.iter().for_each(|worker| send(worker, Signal::SIGCONT));
    for (n, handle) in (0..).zip(handles) {
        assert_eq!(handle.get().unwrap(), n * n);
    }
    rig.end();
}

/// Also for a call that nobody waits for; and only while there is one.
pub fn workers_that_stay_stopped_are_replaced_when_they_are_missed() {
    with_pool(|rig| {
        let folder = Folder::new();
        let workers = rig.workers();
        workers.iter().for_each(stop);
        // Far longer than the grace.
        thread::sleep(Duration::from_millis(700));
        assert!(workers.iter().all(Stat::lives), "nobody misses them");
        drop(rig.pool.spawn(tasks::note::call(&folder.file("note"), 1)).unwrap());
        eventually("the call ran", || Path::new(&folder.file("note")).exists());
        assert!(!workers.iter().all(Stat::lives));
        squares(&rig.pool, 10);
        for worker in rig.workers() {
            let _ = kill(Pid::from_raw(worker.pid), Signal::SIGSTOP);
            // The one that was stopped until now may be missed in this moment.
            let stopped = || procfs::stat(worker.pid).is_some_and(|now| now.state == 'T');
            eventually("it is stopped or gone", || stopped() || !worker.lives());
        }
        squares(&rig.pool, 10);
    });
}

/// As one that runs.
pub fn a_call_on_a_stopped_worker_can_be_cancelled() {
    with_pool(|rig| {
        let folder = Folder::new();
        let handle = rig.pool.spawn(tasks::announce::call(&folder.file("a"), 600_000)).unwrap();
        let worker = folder.process("a");
        stop(&worker);
        handle.cancel();
        assert!(matches!(handle.get(), Err(Error::Cancelled { .. })));
        eventually("the stopped worker is gone", || !worker.lives());
    });
}

/// A supervisor that is stopped when it is needed goes on: a death is told, and the pool ends.
pub fn a_stopped_supervisor_is_asked_to_go_on() {
    with_pool(|rig| {
        let folder = Folder::new();
        let handle = rig.pool.spawn(tasks::announce::call(&folder.file("a"), 600_000)).unwrap();
        let worker = folder.process("a");
        stop(&rig.supervisor());
        send(&worker, Signal::SIGKILL);
        let error = handle.get().unwrap_err();
        assert!(matches!(error, Error::Died { pid, .. } if pid == worker.pid), "{error:?}");
        rig.check();
        stop(&rig.supervisor());
    });
}

/// Nor does the template that a program forks its supervisors from stay stopped when it is needed.
pub fn a_stopped_template_is_asked_to_go_on() {
    with_pool(|rig| {
        let children = procfs::children(std::process::id() as i32);
        // Under exec there is none.
        children.iter().filter(|child| child.name.contains("template")).for_each(stop);
        let supervisor = rig.supervisor();
        send(&supervisor, Signal::SIGKILL);
        eventually("it is dead", || !supervisor.lives());
        squares(&rig.pool, 10);
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! stopped_scenes {
    ($($then:tt)*) => {
        $($then)*! { stopped:
            a_stopped_idle_worker_swallows_no_call
            workers_stopped_at_any_moment_lose_nothing
            a_pool_of_stopped_workers_waits_for_them
            workers_that_stay_stopped_are_replaced_when_they_are_missed
            a_call_on_a_stopped_worker_can_be_cancelled
            a_stopped_supervisor_is_asked_to_go_on
            a_stopped_template_is_asked_to_go_on
        }
    };
}
