//! Faults of a worker that keeps to no rule, and of processes that are stopped.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use multicore::{Handle, Pool, Sandbox};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::dying::{self, Loop};
use super::observe::FOREVER;
use super::stage::{Seen, Stage};
use crate::fixture::in_family;
use crate::procfs::{self, Stat};
use crate::watch::eventually;
use crate::wild::region::Region;
use crate::{moment, tasks};

const WORKERS: usize = 2;
const SLOTS: usize = 8;
const WINDOW: usize = 64 << 10;

/// Writes down the moment, and then a phase that there is not into every state word of the region.
#[multicore::task]
fn forge(path: &str) {
    let region = Region::find(SLOTS, WORKERS, WINDOW);
    moment::note(path);
    for slot in 0..SLOTS {
        region.state(slot).fetch_or(0xf, Relaxed);
    }
}

/// What becomes of another worker's call.
pub fn impossible_words(stage: &Stage) -> Seen {
    let config = Pool::builder().workers(WORKERS).slots(SLOTS).payload_limit(WINDOW as u64);
    let pool = config.build().expect("a pool");
    let path = stage.note();
    let (victim, _) = dying::begin(&pool, Loop::Asleep, FOREVER, &path);
    let forger = pool.spawn(forge::call(&path)).expect("a slot");
    let outcome = victim.get();
    let back = moment::now();
    let _ = forger.get();
    assert_eq!(pool.spawn(tasks::square::call(7)).and_then(Handle::get).ok(), Some(49), "the pool goes on");
    Seen::at(back, moment::noted(&path).at, outcome)
}

/// As [`forge()`], in a region that has nobody else's call.
#[multicore::task]
fn forge_own(path: &str) {
    let region = Region::find(1, 1, WINDOW);
    moment::note(path);
    region.state(0).fetch_or(0xf, Relaxed);
}

/// What becomes of its own call; another worker's is as it was.
pub fn an_impossible_word_of_its_own(stage: &Stage) -> Seen {
    // Without walls, so that it can say when.
    let sandbox = Sandbox::new().without_landlock().without_seccomp();
    let pool = Pool::builder().workers(WORKERS).payload_limit(WINDOW as u64).sandbox(sandbox);
    let pool = in_family(pool).build().expect("a pool");
    let path = stage.note();
    let other = pool.spawn(tasks::nap::call(5)).expect("a slot");
    let outcome = pool.spawn(forge_own::call(&path)).and_then(Handle::get);
    let back = moment::now();
    assert_eq!(other.get().ok(), Some(5), "the other call is not touched");
    Seen::at(back, moment::noted(&path).at, outcome)
}

/// Stops processes, and waits until they are; the moment of the first signal.
fn stop(processes: &[Stat]) -> u64 {
    let moment = moment::now();
    for process in processes {
        kill(Pid::from_raw(process.pid), Signal::SIGSTOP).expect("a process of ours");
    }
    let stopped = |process: &Stat| procfs::stat(process.pid).is_some_and(|now| now.state == 'T');
    eventually("they are stopped", || processes.iter().all(stopped));
    moment
}

/// Before its deadline.
pub fn a_stopped_worker(stage: &Stage) -> Seen {
    let deadline = Duration::from_millis(20);
    let (handle, note) = dying::begin(&stage.rig.pool, Loop::Asleep, deadline, &stage.note());
    // On a loaded machine it may be over already.
    let _ = kill(Pid::from_raw(note.pids[0]), Signal::SIGSTOP);
    Seen::now(note.at + deadline.as_nanos() as u64, handle.get())
}

/// All of a pool; a call finds others.
pub fn stopped_idle_workers(stage: &Stage) -> Seen {
    let workers = stage.sleeping_workers();
    let moment = stop(&workers);
    let seen = Seen::now(moment, stage.spawn(tasks::square::call(7)).get());
    // Nobody misses the second.
    for worker in workers.iter().filter(|worker| worker.lives()) {
        let _ = kill(Pid::from_raw(worker.pid), Signal::SIGCONT);
    }
    seen
}

/// When it is needed: the worker of a call is killed after it.
pub fn a_stopped_supervisor(stage: &Stage) -> Seen {
    let (handle, note) = dying::begin(&stage.rig.pool, Loop::Asleep, FOREVER, &stage.note());
    let worker = procfs::stat(note.pids[0]).expect("a worker");
    stop(&[procfs::stat(worker.parent).expect("its supervisor")]);
    let moment = moment::now();
    kill(Pid::from_raw(worker.pid), Signal::SIGKILL).expect("a process of ours");
    Seen::now(moment, handle.get())
}
