//! Who has shared data, and for how long: it reaches every worker whatever happens, and goes when it is dropped.

use multicore::{Error, Handle, Pool, Shared, Task, share};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::shared::{LEN, get, numbers, sum_of};
use crate::fixture::Folder;
use crate::procfs::Stat;
use crate::rig::{Rig, with_pool};
use crate::tasks::{self, sum};
use crate::watch::eventually;
use crate::wild;
use crate::wild::shared::{ask_for_anything, descriptors, mappings, write_to_shared};

/// How much shared data comes and goes.
const MANY: usize = if cfg!(debug_assertions) { 3_000 } else { 10_000 };

#[multicore::task]
fn sum_later(data: &[u64], path: &str) -> u64 {
    tasks::write_whole(path, &std::process::id().to_string());
    let gate = format!("{path}.go");
    while !std::path::Path::new(&gate).exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    std::fs::write(format!("{path}.sum"), sum_of(data).to_string()).unwrap();
    sum_of(data)
}

#[multicore::task]
fn sum_and_die(data: &[u64]) {
    assert_eq!(sum_of(data), sum_of(&numbers()));
    std::process::abort();
}

/// Both workers, whoever has begun already.
fn everywhere(rig: &Rig, data: &[u64]) {
    let mut task = Task::on(&rig.pool);
    for _ in 0..20 {
        task.run(sum::call(data)).unwrap();
    }
    assert_eq!(task.get().unwrap(), [sum_of(data); 20]);
}

/// They are the processes of before.
pub fn workers_that_run_see_what_is_made_later() {
    with_pool(|rig| {
        let before = rig.workers();
        for _ in 0..3 {
            let data = numbers();
            everywhere(rig, &data);
        }
        let pids = |workers: Vec<Stat>| workers.into_iter().map(|worker| worker.pid).collect::<Vec<_>>();
        assert_eq!(pids(rig.workers()), pids(before));
    });
}

/// A worker that was forked after the data was made asks for it.
pub fn replaced_workers_see_what_is_older() {
    with_pool(|rig| {
        let data = numbers();
        everywhere(rig, &data);
        for _ in 0..3 {
            let error = rig.pool.spawn(sum_and_die::call(&data)).and_then(Handle::get).unwrap_err();
            assert!(matches!(error, Error::Died { started: true, .. }), "{error}");
            rig.check();
            everywhere(rig, &data);
        }
    });
}

/// The next one is told of what lives, before its workers ask.
pub fn a_replaced_supervisor_knows_what_is_older() {
    with_pool(|rig| {
        // More than a socket holds at once.
        let many: Vec<Shared<[u64]>> = (0..700).map(|n| share(vec![n; 1000]).unwrap()).collect();
        let gone = numbers();
        everywhere(rig, &gone);
        many.iter().for_each(|data| assert_eq!(get(&rig.pool, sum::call(data)), sum_of(data)));
        drop(gone);
        for _ in 0..3 {
            kill(Pid::from_raw(rig.supervisor().pid), Signal::SIGKILL).unwrap();
            // As its workers die with it, some of the first calls may be lost.
            for data in &many {
                match rig.pool.spawn(sum::call(data)).and_then(Handle::get) {
                    Ok(found) => assert_eq!(found, sum_of(data)),
                    Err(Error::Died { started: true, .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            rig.check();
            assert_eq!(descriptors(rig.supervisor().pid).len(), many.len());
        }
    });
}

/// Also a call whose handle is dropped.
pub fn a_call_keeps_what_it_names_until_it_settles() {
    with_pool(|rig| {
        let folder = Folder::new();
        let expected = sum_of(&numbers());
        let run = |name: &str| {
            let (data, path) = (numbers(), folder.file(name));
            let handle = rig.pool.spawn(sum_later::call(&data, &path)).unwrap();
            folder.process(name);
            handle
        };
        let go = |name: &str| std::fs::write(folder.file(&format!("{name}.go")), "").unwrap();
        let handle = run("kept");
        // Nor does its worker's death, with the data dropped here long ago.
        let retried = {
            let (data, path) = (numbers(), folder.file("retried"));
            rig.pool.spawn(sum_later::call(&data, &path).retries(1)).unwrap()
        };
        let worker = folder.process("retried");
        assert_eq!(descriptors(std::process::id() as i32).len(), 2);
        kill(Pid::from_raw(worker.pid), Signal::SIGKILL).unwrap();
        folder.process("retried");
        go("kept");
        go("retried");
        assert_eq!(handle.get().unwrap(), expected);
        assert_eq!(retried.get().unwrap(), expected);
        drop(run("detached"));
        go("detached");
        let path = folder.file("detached.sum");
        eventually("the detached call ends", || {
            std::fs::read_to_string(&path).is_ok_and(|text| text == expected.to_string())
        });
    });
}

/// Its own pool's workers map what the parent made; what it drops the parent's pool keeps.
pub fn a_fork_of_the_client_shares_what_it_inherited() {
    with_pool(|rig| {
        let data = numbers();
        let (mut inherited, expected) = (Some(share(vec![1_u64; LEN]).unwrap()), sum_of(&data));
        everywhere(rig, &data);
        everywhere(rig, inherited.as_ref().unwrap());
        let child = wild::fork(|| {
            let Ok(pool) = Pool::builder().workers(1).build() else { return 1 };
            let found = pool.spawn(sum::call(&data)).and_then(Handle::get);
            drop(inherited.take());
            drop(pool);
            if found.is_ok_and(|found| found == expected) { 0 } else { 2 }
        });
        let status = waitpid(Pid::from_raw(child), None).unwrap();
        assert_eq!(status, WaitStatus::Exited(Pid::from_raw(child), 0), "1 pool, 2 sum");
        assert_eq!(descriptors(rig.supervisor().pid).len(), 2);
        everywhere(rig, &data);
        everywhere(rig, inherited.as_ref().unwrap());
    });
}

/// In the client, the supervisor and workers that are busy or idle: no descriptor, no mapping.
pub fn nothing_is_left_of_shared_data_that_came_and_went() {
    with_pool(|rig| {
        let client = std::process::id() as i32;
        let mut last = Vec::new();
        for n in 0..MANY {
            let data = Shared::from_fn(600, |at| (at + n) as u64).unwrap();
            let handle = rig.pool.spawn(sum::call(&data)).unwrap();
            last.push((handle, sum_of(&data)));
            if last.len() == 10 {
                last.drain(..).for_each(|(handle, sum)| assert_eq!(handle.get().unwrap(), sum));
            }
        }
        drop(last);
        rig.check();
        nobody_has_any(rig, client);
    });
}

/// Idle as they are, they wake up for it.
pub fn idle_workers_let_go() {
    with_pool(|rig| {
        let (data, kept) = (numbers(), numbers());
        everywhere(rig, &data);
        everywhere(rig, &kept);
        let mapped = || rig.workers().iter().map(|worker| mappings(worker.pid).len()).collect::<Vec<_>>();
        assert_eq!(mapped(), [2, 2]);
        assert_eq!(descriptors(rig.supervisor().pid).len(), 2);
        drop(data);
        eventually("only what lives is mapped", || mapped() == [1, 1]);
        assert_eq!(descriptors(rig.supervisor().pid).len(), 1);
        everywhere(rig, &kept);
    });
}

/// Whatever it tries, and however it comes by a descriptor.
pub fn no_worker_can_write_to_shared_data() {
    with_pool(|rig| {
        let data = numbers();
        let client = std::process::id() as i32;
        let (possible, tried) = get(&rig.pool, write_to_shared::call(client, &data));
        assert_eq!(possible, [""; 0]);
        if wild::user() == 0 {
            assert_eq!(tried, 2, "the client's descriptor, and the worker's mapping");
        }
        assert!(data.iter().copied().eq((0..LEN as u64).map(|n| n * 3)), "it is what it was");
        for worker in rig.workers() {
            kill(Pid::from_raw(worker.pid), Signal::SIGKILL).unwrap();
        }
        rig.check();
        everywhere(rig, &data);
    });
}

/// The supervisor answers as far as it is listened to, and has no more descriptors open than before; the
/// worker may be ended.
pub fn a_worker_that_asks_for_anything_harms_nobody() {
    with_pool(|rig| {
        let data = numbers();
        everywhere(rig, &data);
        let before = rig.supervisor();
        for _ in 0..5 {
            let handle = rig.pool.spawn(ask_for_anything::call(&data)).unwrap();
            let others: Vec<_> = (0..20).map(|_| rig.pool.spawn(sum::call(&data)).unwrap()).collect();
            // Its worker takes an answer to something else for its own.
            let _ = handle.get();
            let sums = others.into_iter().filter_map(|handle| handle.get().ok());
            assert!(sums.into_iter().all(|sum| sum == sum_of(&data)));
            assert!(before.lives(), "the supervisor goes on");
            assert_eq!(descriptors(before.pid).len(), 1);
        }
        for worker in rig.workers() {
            kill(Pid::from_raw(worker.pid), Signal::SIGKILL).unwrap();
        }
        rig.check();
        everywhere(rig, &data);
    });
}

/// Sixty-four descriptors: what does not fit is an error, and what does works.
pub fn a_limit_on_descriptors_is_an_error_and_no_more() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 64, hard).unwrap();
    with_pool(|rig| {
        let mut all = Vec::new();
        let refused = loop {
            match share(vec![all.len() as u64; 1000]) {
                Ok(data) => all.push(data),
                Err(error) => break error,
            }
        };
        assert!(
            matches!(&refused, Error::Os { .. }) && refused.to_string().contains("ulimit -n"),
            "{refused}"
        );
        assert!(all.len() > 20, "{} fit", all.len());
        let mut came = 0;
        for data in &all {
            // The supervisor, which has the same limit under exec, may have room for a few less.
            match rig.pool.spawn(sum::call(data)).and_then(Handle::get) {
                Ok(found) => assert_eq!(found, sum_of(data)),
                Err(error) => {
                    assert!(error.to_string().contains("ulimit -n"), "{error}");
                    continue;
                }
            }
            came += 1;
        }
        assert!(came > 20, "{came} came through");
        drop(all);
        everywhere(rig, &numbers());
    });
}

/// Waits until neither the client nor any process of its pool has shared memory besides the region.
pub(super) fn nobody_has_any(rig: &Rig, client: i32) {
    let mut processes = rig.workers();
    processes.push(rig.supervisor());
    eventually("nobody has any of it", || {
        // What a detached call named goes when somebody looks.
        get(&rig.pool, tasks::nap::call(110));
        let left = |pid| descriptors(pid).len() + mappings(pid).len();
        left(client) == 0 && processes.iter().all(|process| left(process.pid) == 0)
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! kept_scenes {
    ($($then:tt)*) => {
        $($then)*! { kept:
            workers_that_run_see_what_is_made_later
            replaced_workers_see_what_is_older
            a_replaced_supervisor_knows_what_is_older
            a_call_keeps_what_it_names_until_it_settles
            a_fork_of_the_client_shares_what_it_inherited
            nothing_is_left_of_shared_data_that_came_and_went
            idle_workers_let_go
            no_worker_can_write_to_shared_data
            a_worker_that_asks_for_anything_harms_nobody
            a_limit_on_descriptors_is_an_error_and_no_more
        }
    };
}
