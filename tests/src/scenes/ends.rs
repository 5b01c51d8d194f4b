//! How pools end whose supervisor was killed or stopped: the same for a client that is the system's own
//! process 1, and for one that adopts what others leave.

use std::time::Duration;

use multicore::{Call, Error, Handle, Pool};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fixture::Folder;
use crate::procfs::{self, Stat};
use crate::rig::Rig;
use crate::watch::eventually;
use crate::{tasks, wild};

fn send(process: &Stat, signal: Signal) {
    kill(Pid::from_raw(process.pid), signal).expect("a process of ours");
}

fn outcome<R: 'static>(rig: &Rig, call: Call<'_, R>) -> multicore::Result<R> {
    rig.pool.spawn(call).and_then(Handle::get)
}

fn died<R>(outcome: &multicore::Result<R>) -> bool {
    matches!(outcome, Err(Error::Died { started: true, .. }))
}

/// A dead process that nobody collects would stay.
#[track_caller]
fn no_zombie_is_left() {
    eventually("all dead processes are collected", || !procfs::own_family().iter().any(Stat::is_zombie));
}

/// A call that waits for a child of its own; that child.
fn breeding(rig: &Rig, folder: &Folder) -> (Handle<u64>, Stat) {
    let handle = rig.pool.spawn(tasks::breed::call(&folder.file("child"))).unwrap();
    (handle, folder.process("child"))
}

/// The kernel takes the workers along, the client their children.
pub fn children_of_tasks_end_with_a_killed_supervisor() {
    let (rig, folder) = (Rig::new(2), Folder::new());
    for _ in 0..3 {
        let (call, child) = breeding(&rig, &folder);
        send(&rig.supervisor_of(&child), Signal::SIGKILL);
        assert!(died(&call.get()));
        assert!(!child.lives(), "it was ended before its call was settled");
        rig.check();
        no_zombie_is_left();
    }
    rig.end();
    no_zombie_is_left();
}

/// Though nobody waits for a call.
pub fn a_pool_whose_supervisor_was_killed_leaves_nobody_when_it_is_dropped() {
    let (rig, folder) = (Rig::new(1), Folder::new());
    let (call, child) = breeding(&rig, &folder);
    let supervisor = rig.supervisor_of(&child);
    send(&supervisor, Signal::SIGKILL);
    eventually("the supervisor is dead", || !supervisor.lives());
    drop(rig.pool);
    assert!(!child.lives());
    assert!(matches!(call.get(), Err(Error::Closed)));
    no_zombie_is_left();
}

/// Such a copy holds all that its worker held.
pub fn a_copy_of_a_worker_ends_with_a_killed_supervisor() {
    let (rig, folder) = (Rig::new(1), Folder::new());
    let handle = rig.pool.spawn(copy_itself::call(&folder.file("copy"))).unwrap();
    let copy = folder.process("copy");
    send(&rig.supervisor_of(&copy), Signal::SIGKILL);
    assert!(died(&handle.get()));
    assert!(!copy.lives());
    rig.end();
    no_zombie_is_left();
}

/// Forks, and waits for the copy.
#[multicore::task]
fn copy_itself(path: &str) {
    let copy = wild::fork(|| {
        tasks::announce(path, 600_000);
        0
    });
    let _ = nix::sys::wait::waitpid(Pid::from_raw(copy), None);
}

/// Each costs its call alone, and no process is left dead.
pub fn workers_of_every_end_are_collected() {
    let rig = Rig::new(2);
    for _ in 0..5 {
        assert!(died(&outcome(&rig, tasks::raise::call(libc::SIGKILL))));
        assert!(died(&outcome(&rig, tasks::leave::call(3))));
        let late = outcome(&rig, tasks::nap::call(600_000).timeout(Duration::from_millis(20)));
        assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
        let handle = rig.pool.spawn(tasks::nap::call(600_000)).unwrap();
        handle.cancel();
        assert!(matches!(handle.get(), Err(Error::Cancelled { .. })));
        assert_eq!(outcome(&rig, tasks::square::call(5)).unwrap(), 25);
    }
    no_zombie_is_left();
    rig.end();
    no_zombie_is_left();
}

/// Who waits for the call lets the supervisor go on, which alone keeps the time.
pub fn a_deadline_is_kept_by_a_stopped_supervisor() {
    let (rig, folder) = (Rig::new(1), Folder::new());
    let limit = Duration::from_millis(300);
    let handle = rig.pool.spawn(tasks::announce::call(&folder.file("a"), 600_000).timeout(limit)).unwrap();
    send(&rig.supervisor_of_worker(&folder.process("a")), Signal::SIGSTOP);
    let outcome = handle.get();
    assert!(matches!(outcome, Err(Error::TimedOut { .. })), "{outcome:?}");
    rig.end();
}

/// Nobody waits for anything but the pool's end.
pub fn a_pool_with_a_stopped_supervisor_finishes_and_ends() {
    let pool = Pool::builder().workers(1).shutdown_timeout(Duration::from_secs(600)).build().unwrap();
    let folder = Folder::new();
    let running = pool.spawn(tasks::announce::call(&folder.file("a"), 300)).unwrap();
    let queued: Vec<_> = (0..5).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
    let worker = folder.process("a");
    let supervisor = procfs::stat(worker.parent).expect("its parent");
    send(&supervisor, Signal::SIGSTOP);
    eventually("the supervisor is stopped", || procfs::stat(supervisor.pid).is_some_and(|s| s.state == 'T'));
    drop(pool);
    assert!(!supervisor.lives() && !worker.lives());
    assert_eq!(running.get().unwrap(), 300);
    for (n, handle) in (0..).zip(queued) {
        assert_eq!(handle.get().unwrap(), n * n);
    }
    no_zombie_is_left();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! end_scenes {
    ($($then:tt)*) => {
        $($then)*! { ends:
            children_of_tasks_end_with_a_killed_supervisor
            a_pool_whose_supervisor_was_killed_leaves_nobody_when_it_is_dropped
            a_copy_of_a_worker_ends_with_a_killed_supervisor
            workers_of_every_end_are_collected
            a_deadline_is_kept_by_a_stopped_supervisor
            a_pool_with_a_stopped_supervisor_finishes_and_ends
        }
    };
}
