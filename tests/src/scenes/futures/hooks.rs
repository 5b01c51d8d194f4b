//! Start hooks: what CPython calls an initializer.

use std::path::Path;
use std::sync::OnceLock;

use multicore::{Config, Error, Handle};
use nix::sys::signal::Signal;

use super::open;
use crate::fixture::Folder;
use crate::rig::{Rig, builder};
use crate::scenes::faults::kill;
use crate::scenes::short::wait_for;
use crate::tasks::{square, whoami, write_whole};
use crate::watch::eventually;

/// What [`prepare`] does.
const HOW: &str = "MULTICORE_TEST_PREPARE";

static PREPARED: OnceLock<i32> = OnceLock::new();

/// Notes who prepares, or comes to one of its ends, where the variable says so.
#[multicore::worker_start]
fn prepare() -> Result<(), String> {
    let Ok(how) = std::env::var(HOW) else { return Ok(()) };
    match &*how {
        "fine" => PREPARED.set(whoami()).map_err(|_| "twice in one process".to_owned()),
        "fails" => Err("no licence".to_owned()),
        "panics" => panic!("no licence"),
        "exits" => std::process::exit(9),
        "aborts" => std::process::abort(),
        path if Path::new(path).exists() => Err("no licence any more".to_owned()),
        _ => Ok(()),
    }
}

/// Who prepared this process, said once another one is there as well.
#[multicore::task]
fn meet(own: &str, other: &str) -> (i32, Option<i32>) {
    write_whole(own, "");
    wait_for(other);
    (whoami(), PREPARED.get().copied())
}

fn prepared(how: &str) -> Config {
    builder().env(HOW, how)
}

/// `test_initializer` of CPython's `InitializerMixin`: in every worker, those that replace others included.
pub fn a_start_hook_runs_once_in_each_worker() {
    let rig = Rig::with(prepared("fine").workers(2));
    let folder = Folder::new();
    for round in 0..3 {
        let [a, b] = ["a", "b"].map(|name| folder.file(&format!("{name}{round}")));
        let calls = [meet::call(&a, &b), meet::call(&b, &a)];
        let [one, other] =
            calls.map(|call| rig.pool.spawn(call).unwrap()).map(|handle| handle.get().unwrap());
        assert_ne!(one.0, other.0);
        assert_eq!((one.1, other.1), (Some(one.0), Some(other.0)));
        let workers = rig.workers();
        workers.iter().for_each(|worker| kill(worker, Signal::SIGKILL));
        eventually("the killed ones are gone", || !workers.iter().any(crate::procfs::Stat::lives));
    }
    rig.end();
}

/// `test_initializer` of CPython's `FailingInitializerMixin`: whatever its end, everybody who waits is told why, and
/// whoever comes later.
pub fn a_start_hook_that_fails_stops_the_pool_and_nobody_hangs() {
    for (how, why) in
        [("fails", "no licence"), ("panics", "no licence"), ("exits", "code 9"), ("aborts", "SIGABRT")]
    {
        let refused = |error: &Error| {
            let Error::RestartLimit { times: 10, cause, .. } = error else { panic!("{how}: {error:?}") };
            assert!(cause.contains(why), "{how}: {cause}");
        };
        // It is made once its first worker is forked, whatever that comes to.
        let pool = prepared(how).workers(2).build().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for n in 0..2 {
                        refused(&pool.spawn(square::call(n)).and_then(Handle::get).unwrap_err());
                    }
                });
            }
        });
        refused(&pool.map((0..5).map(square::call)).next().unwrap().unwrap_err());
    }
}

/// `test_failed_worker_replacement_breaks_pool` of CPython's `ProcessPoolExecutorTest`: what ran before has its
/// result, and what was queued is told.
pub fn a_start_hook_that_fails_later_stops_the_pool_and_nobody_hangs() {
    let folder = Folder::new();
    let (gate, licence) = (folder.file("gate"), folder.file("expired"));
    let pool = prepared(&licence).workers(1).max_calls(1).build().unwrap();
    let running = pool.spawn(wait_for::call(&gate)).unwrap();
    eventually("it runs", || pool.state().workers[0].task.is_some());
    let queued: Vec<_> = (0..5).map(|n| pool.spawn(square::call(n)).unwrap()).collect();
    open(&licence);
    open(&gate);
    running.get().unwrap();
    let ends = queued.into_iter().map(Handle::get);
    let later = std::iter::once_with(|| pool.spawn(square::call(6)).and_then(Handle::get));
    for end in ends.chain(later) {
        let error = end.unwrap_err();
        let Error::RestartLimit { cause, .. } = &error else { panic!("{error:?}") };
        assert!(cause.contains("no licence any more"), "{cause}");
    }
}
