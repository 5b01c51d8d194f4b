//! Backends that need a process of their own to be looked at.

use std::time::Duration;

use multicore::{AbortOnDrop, Backend, Error, Pool};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::watch::eventually;
use crate::{tasks, wild};

/// Plays one.
///
/// # Panics
/// When there is none of that name, or something is not as it should be.
pub fn play(what: &str) {
    match what {
        "chosen" => chosen(),
        "hooks" => hooks(),
        "forked" => forked(),
        "gone" => gone(),
        other => panic!("no such part: {other}"),
    }
}

/// The default pool and one of the program's own, wherever the variable has them run.
fn chosen() {
    match tasks::square::call(3).get() {
        Ok(nine) => assert_eq!(nine, 9),
        Err(error) => return println!("{error}"),
    }
    let own = Pool::builder().workers(3).niceness(5).timeout(Duration::from_secs(60)).build().unwrap();
    let inside = own.spawn(tasks::whoami::call()).unwrap().get().unwrap() == std::process::id() as i32;
    let limited = tasks::nap::call(1).timeout(Duration::from_secs(60)).retries(1).isolate();
    assert_eq!(own.spawn(limited).unwrap().get().unwrap(), 1);
    // What code says counts, whatever the variable says.
    let named = Pool::processes().unwrap();
    assert_ne!(named.spawn(tasks::whoami::call()).unwrap().get().unwrap(), std::process::id() as i32);
    println!("{:?} {} {inside}", own.backend(), own.workers());
}

/// Start hooks that fail, and exit hooks, where variables say so.
fn hooks() {
    match Pool::threads(2) {
        Ok(pool) => {
            assert_eq!(pool.spawn(tasks::square::call(3)).unwrap().get().unwrap(), 9);
            drop(pool);
            println!("dropped");
        }
        Err(error) => println!("{error}"),
    }
    eventually("no thread is left", || threads() == 1);
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Nothing is left of pools that came and went.
fn gone() {
    for round in 0..20 {
        let pool = Pool::threads(3).unwrap();
        assert_eq!(pool.spawn(tasks::square::call(round)).unwrap().get().unwrap(), round * round);
        drop(pool);
        eventually("the threads are gone", || threads() == 1);
    }
    println!("gone");
}

/// A fork of the client has the pool's memory and none of its threads.
fn forked() {
    let (mut pool, value) = (Some(Pool::threads(2).unwrap()), |n| tasks::square::call(n).get().unwrap());
    assert_eq!(value(3), 9);
    let spawn = |milliseconds| pool.as_ref().unwrap().spawn(tasks::nap::call(milliseconds)).unwrap();
    let mut handles = Some((spawn(300), spawn(300), AbortOnDrop::new(spawn(300))));
    let mut task = Some(multicore::Task::on(pool.as_ref().unwrap()));
    task.as_mut().unwrap().run(tasks::nap::call(1)).unwrap();
    drop(task.take());
    let child = wild::fork(|| {
        let ((handle, dropped, aborted), pool) = (handles.take().unwrap(), pool.take().unwrap());
        drop((dropped, aborted));
        let closed = matches!(handle.get_timeout(Duration::from_secs(60)), Ok(Err(Error::Closed)));
        let refused = matches!(pool.spawn(tasks::square::call(1)), Err(Error::Closed));
        let unseen = pool.state().workers.is_empty();
        pool.shutdown();
        drop(pool);
        let own = (0..10).all(|n| value(n) == n * n);
        let threads = Pool::threads(2).unwrap();
        let again = threads.backend() == Backend::Threads
            && threads.spawn(tasks::square::call(5)).unwrap().get().unwrap() == 25;
        drop(threads);
        let wrong = [closed, refused, unseen, own, again].iter().position(|right| !right);
        multicore::shutdown();
        wrong.map_or(0, |at| at as i32 + 1)
    });
    let status = waitpid(Pid::from_raw(child), None).unwrap();
    assert_eq!(
        status,
        WaitStatus::Exited(Pid::from_raw(child), 0),
        "1 closed, 2 refused, 3 unseen, 4 own, 5 again"
    );
    let (handle, dropped, aborted) = handles.unwrap();
    let ends = [handle.get(), dropped.get(), aborted.get()].map(Result::unwrap);
    assert_eq!(ends, [300; 3], "the parent's go on");
    assert_eq!(value(4), 16);
    println!("forked");
}
