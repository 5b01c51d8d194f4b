//! Many short calls at once: workers take several at a time, and one that goes wrong costs itself alone.

use std::thread;
use std::time::{Duration, Instant};

use multicore::{Error, Handle, Result, Task};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fixture::Folder;
use crate::payload;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks;
use crate::watch::eventually;

const CALLS: u64 = 2000;

/// Doubles, but for one number.
#[multicore::task]
pub fn double_unless(number: u64, deadly: u64) -> u64 {
    if number == deadly {
        std::process::abort();
    }
    number * 2
}

/// Waits for a file where there is a path; else it is over at once.
#[multicore::task]
pub fn wait_for(path: &str) {
    while !path.is_empty() && !std::path::Path::new(path).exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Has the workers of a pool take many calls at a time.
fn warm_up(rig: &Rig) {
    let mut task = Task::on(&rig.pool);
    (0..CALLS).try_for_each(|n| task.run(double_unless::call(n, u64::MAX))).unwrap();
    task.get().unwrap();
}

/// One aborts, and the others are right.
pub fn a_death_among_many_costs_one() {
    with_pool(|rig| {
        for deadly in [0, 777, CALLS - 1] {
            let mut task = Task::on(&rig.pool);
            (0..CALLS).try_for_each(|n| task.run(double_unless::call(n, deadly))).unwrap();
            for (n, result) in (0..CALLS).zip(task.get_all()) {
                match result {
                    Err(Error::Died { started: true, .. }) if n == deadly => {}
                    result => assert_eq!(result.unwrap(), 2 * n),
                }
            }
            rig.check();
        }
    });
}

/// Those that the worker of a long call took along run elsewhere.
pub fn a_long_one_among_many_holds_none_up() {
    with_pool(|rig| {
        let folder = Folder::new();
        for round in 0..10 {
            warm_up(rig);
            let path = folder.file(&round.to_string());
            let spawn = |path: &str| rig.pool.spawn(wait_for::call(path)).unwrap();
            let before: Vec<Handle<()>> = (0..100).map(|_| spawn("")).collect();
            let long = spawn(&path);
            let after: Vec<Handle<()>> = (0..300).map(|_| spawn("")).collect();
            // Those that the long one's worker took with it are among them.
            before.into_iter().chain(after).for_each(|handle| handle.get().unwrap());
            assert!(!long.is_finished());
            std::fs::write(&path, "").unwrap();
            long.get().unwrap();
        }
        rig.check();
    });
}

/// Nobody waits, polls or calls: the idle ones find it out by themselves.
pub fn a_long_one_holds_none_up_though_nobody_waits() {
    for workers in [2, 4] {
        let rig = Rig::new(workers);
        let folder = Folder::new();
        let notes = folder.file("notes");
        warm_up(&rig);
        let long = rig.pool.spawn(wait_for::call(&folder.file("go on"))).unwrap();
        let others: Vec<Handle<()>> =
            (0..40).map(|n| rig.pool.spawn(tasks::note::call(&notes, n)).unwrap()).collect();
        eventually("all others ran", || {
            std::fs::read_to_string(&notes).is_ok_and(|notes| notes.lines().count() == 40)
        });
        assert!(!long.is_finished());
        std::fs::write(folder.file("go on"), "").unwrap();
        long.get().unwrap();
        others.into_iter().for_each(|handle| handle.get().unwrap());
        rig.end();
    }
}

/// A group of many more calls than there are slots, whose first is still at it, beside another thread's.
pub fn many_calls_go_through_few_slots_past_a_long_one() {
    let rig = Rig::with(builder().workers(3).slots(16));
    let folder = Folder::new();
    for round in 0..5 {
        let path = folder.file(&round.to_string());
        let long = rig.pool.spawn(wait_for::call(&path)).unwrap();
        thread::scope(|scope| {
            let others = scope.spawn(|| {
                let spawn = |n| rig.pool.spawn(double_unless::call(n, u64::MAX)).unwrap();
                (0..CALLS).map(spawn).map(Handle::get).collect::<Result<Vec<u64>>>()
            });
            let mut task = Task::on(&rig.pool);
            (0..CALLS).try_for_each(|n| task.run(double_unless::call(n, u64::MAX))).unwrap();
            let doubles: Vec<u64> = (0..CALLS).map(|n| 2 * n).collect();
            assert_eq!(task.get().unwrap(), doubles);
            assert_eq!(others.join().unwrap().unwrap(), doubles);
        });
        let mut task = Task::on(&rig.pool);
        task.run(wait_for::call(&path)).unwrap();
        (0..CALLS).try_for_each(|_| task.run(wait_for::call(""))).unwrap();
        assert!(!long.is_finished());
        std::fs::write(&path, "").unwrap();
        long.get().unwrap();
        assert_eq!(task.get().unwrap().len(), CALLS as usize + 1);
    }
    rig.end();
}

/// A group of large calls, many more than there are slots, in a pool that keeps nothing warm.
pub fn large_results_go_through_few_slots() {
    let rig = Rig::with(builder().workers(2).slots(4).warm_memory(0));
    let mut task = Task::on(&rig.pool);
    for seed in 0..60 {
        let (sent, wanted) = (payload::bytes(seed, 200_000), 100_000 + 20_000 * seed as usize);
        task.run(tasks::exchange::call(seed, sent, seed + 1, wanted)).unwrap();
    }
    for (seed, result) in (0..60).zip(task.get_all()) {
        payload::check(&result.unwrap(), seed + 1, 100_000 + 20_000 * seed as usize);
    }
    rig.end();
}

/// The cores that a worker may run on, and the one that it goes to first.
#[multicore::task]
fn cores(first: Option<usize>) -> Vec<usize> {
    let this = Pid::from_raw(0);
    let usable = sched_getaffinity(this).unwrap();
    if let Some(first) = first {
        let mut only = CpuSet::new();
        only.set(first).unwrap();
        sched_setaffinity(this, &only).unwrap();
        sched_setaffinity(this, &usable).unwrap();
    }
    (0..CpuSet::count()).filter(|core| usable.is_set(*core).unwrap()).collect()
}

/// Put on one core again and again, they leave it, and may run wherever they might.
pub fn workers_that_meet_on_one_core_may_run_on_all() {
    with_pool(|rig| {
        let usable = rig.pool.spawn(cores::call(None)).and_then(Handle::get).unwrap();
        for round in 0..20 {
            let core = usable[round % usable.len()];
            let both = [(); 2].map(|()| rig.pool.spawn(cores::call(Some(core))).unwrap());
            warm_up(rig);
            both.into_iter().for_each(|handle| assert_eq!(handle.get().unwrap(), usable));
        }
        let mut task = Task::on(&rig.pool);
        (0..100).try_for_each(|_| task.run(cores::call(None))).unwrap();
        task.get().unwrap().into_iter().for_each(|cores| assert_eq!(cores, usable));
    });
}

/// However long anybody spins, calls come back, one at a time and many at once, and a wait is over in time.
pub fn calls_come_back_however_long_anybody_spins() {
    for longest in [Duration::ZERO, Duration::from_micros(50), Duration::from_millis(100)] {
        let rig = Rig::with(builder().workers(2).spin(longest));
        for n in 0..50 {
            let result = rig.pool.spawn(double_unless::call(n, u64::MAX)).and_then(Handle::get);
            assert_eq!(result.unwrap(), 2 * n);
        }
        warm_up(&rig);
        let folder = Folder::new();
        let path = folder.file("go on");
        let long = rig.pool.spawn(wait_for::call(&path)).unwrap();
        let long = long.get_timeout(Duration::from_millis(1)).expect_err("it waits for the file");
        std::fs::write(&path, "").unwrap();
        long.get().unwrap();
        rig.end();
    }
}

/// A death loses one call at most, however many the worker had taken.
pub fn killed_workers_cost_no_more_than_they_had_begun() {
    with_pool(|rig| {
        let (mut kills, mut died, mut task) = (0, 0, Task::on(&rig.pool));
        let start = Instant::now();
        for round in 0..40 {
            (0..500).try_for_each(|n| task.run(double_unless::call(n, u64::MAX))).unwrap();
            let workers = rig.workers();
            if let Some(worker) = workers.get(round % 2)
                && kill(Pid::from_raw(worker.pid), Signal::SIGKILL).is_ok()
            {
                kills += 1;
            }
        }
        for (n, result) in task.get_all().into_iter().enumerate() {
            match result {
                Ok(value) => assert_eq!(value, 2 * (n as u64 % 500)),
                Err(Error::Died { started: true, .. }) => died += 1,
                Err(error) => panic!("{error:?} after {:?}", start.elapsed()),
            }
        }
        assert!(kills > 0 && died <= kills, "{died} calls were lost by {kills} deaths");
        rig.check();
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! short_scenes {
    ($($then:tt)*) => {
        $($then)*! { short:
            a_death_among_many_costs_one
            a_long_one_among_many_holds_none_up
            a_long_one_holds_none_up_though_nobody_waits
            many_calls_go_through_few_slots_past_a_long_one
            large_results_go_through_few_slots
            workers_that_meet_on_one_core_may_run_on_all
            killed_workers_cost_no_more_than_they_had_begun
            calls_come_back_however_long_anybody_spins
        }
    };
}
