//! What looks at a whole process: run in the fixture program under either start method.

use std::io::Read;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use multicore::{Config, Error, Handle, JobState, Pool, Sandbox, Start};
use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::belongings::Belongings;
use crate::fixture::{Folder, in_family};
use crate::payload::{self, Random};
use crate::procfs;
use crate::rig::{Rig, builder};
use crate::watch::eventually;
use crate::{tasks, wild};

pub(super) fn method() -> Start {
    let pool = builder().workers(1).build().unwrap();
    pool.start_method().unwrap()
}

/// Descriptors, mappings, children and zombies are what they were.
pub fn fifty_pools_leave_nothing_behind() {
    Rig::new(1).end();
    let before = Belongings::now();
    for n in 0..50 {
        let pool = builder().workers(n % 2 + 1).build().unwrap();
        let handles: Vec<_> = (0..5).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
        let (first, rest) = handles.split_at(usize::from(n % 2 == 0));
        assert_eq!(first.len() + rest.len(), 5);
        if n % 5 == 0 {
            drop(handles);
        } else {
            for (n, handle) in (0..).zip(handles) {
                assert_eq!(handle.get().unwrap(), n * n);
            }
        }
    }
    assert_eq!(Belongings::now(), before);
}

/// Whatever their sizes, and whatever became of some.
pub fn two_thousand_calls_leave_nothing_behind() {
    let rig = Rig::new(2);
    rig.check();
    let before = Belongings::now();
    let mut random = Random::new(2000);
    let mut handles: Vec<(u64, usize, Handle<Vec<u8>>)> = Vec::new();
    for seed in 0..2000 {
        let (sent, wanted) = (random.size(1 << 20), random.size(1 << 20));
        let call = tasks::exchange::call(seed, payload::bytes(seed, sent), seed + 1, wanted);
        handles.push((seed + 1, wanted, rig.pool.spawn(call).unwrap()));
        match seed % 100 {
            50 => drop(rig.pool.spawn(tasks::panic_literal::call()).unwrap()),
            99 => drop(rig.pool.spawn(tasks::abort::call()).unwrap()),
            _ => {}
        }
        if handles.len() == 20 {
            for (seed, len, handle) in handles.drain(..) {
                payload::check(&handle.get().unwrap(), seed, len);
            }
        }
    }
    drop(handles);
    rig.check();
    // A detached call that aborts may still be about to: its worker is replaced then.
    eventually(&format!("{before:?} again"), || Belongings::now() == before);
    rig.end();
}

/// Workers and supervisors are killed at random moments while four threads call: each result is
/// right, or says that its worker died.
pub fn random_deaths_mix_nothing_up() {
    let rig = Rig::with(builder().workers(2).slots(8));
    rig.check();
    let before = procfs::open_descriptors();
    let own = std::process::id() as i32;
    let (done, died) = (AtomicU64::new(0), AtomicU64::new(0));
    let calls = &|thread: u64| {
        let mut random = Random::new(thread);
        for n in 0.. {
            if n >= 100 && died.load(Ordering::Relaxed) >= 5 {
                break;
            }
            let seed = thread << 32 | n;
            let (sent, wanted) = (random.size(50_000), random.size(50_000));
            let call = tasks::exchange::call(seed, payload::bytes(seed, sent), seed + 1, wanted);
            let call = if n % 3 == 0 { call.retries(2) } else { call };
            match rig.pool.spawn(call).and_then(Handle::get) {
                Ok(result) => payload::check(&result, seed + 1, wanted),
                Err(Error::Died { .. }) => drop(died.fetch_add(1, Ordering::Relaxed)),
                Err(other) => panic!("{other:?}"),
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || calls(thread));
        }
        let mut random = Random::new(4);
        while done.load(Ordering::Relaxed) < 4 {
            std::thread::sleep(Duration::from_micros(random.below(20_000)));
            let supervisors =
                procfs::children(own).into_iter().filter(|child| child.name.contains(": super"));
            for supervisor in supervisors {
                let victims = match random.below(30) {
                    0 => vec![supervisor],
                    _ => procfs::children(supervisor.pid),
                };
                let Some(victim) = victims.get(random.below(victims.len() as u64) as usize) else { continue };
                // Gone already is as good.
                let _ = nix::sys::signal::kill(Pid::from_raw(victim.pid), nix::sys::signal::Signal::SIGKILL);
            }
        }
    });
    rig.check();
    assert_eq!(procfs::open_descriptors(), before);
    rig.end();
}

/// `wait` for any child waits for the program's own, and gets those alone. An exec'd supervisor is a
/// child like any other; there it may be taken, which does no harm.
pub fn the_programs_own_wait_does_no_harm_and_takes_none() {
    let rig = Rig::new(2);
    let any = Pid::from_raw(-1);
    let by_fork = method() == Start::Fork;
    if by_fork {
        assert_eq!(waitpid(any, None), Err(Errno::ECHILD), "it has no child of its own");
    }
    let own = wild::fork(|| 7);
    loop {
        match waitpid(any, None).unwrap() {
            WaitStatus::Exited(pid, 7) if pid.as_raw() == own => break,
            // The pool of `method`, which has ended.
            other => assert!(!by_fork, "{other:?}"),
        }
    }
    rig.check();
    let supervisor = rig.supervisor();
    nix::sys::signal::kill(Pid::from_raw(supervisor.pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    eventually("the supervisor is dead", || !supervisor.lives());
    while matches!(waitpid(any, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive) {
    }
    rig.end();
}

/// The parent's goes on; a handle of the parent's is `Closed` in the child, and at once.
pub fn a_fork_of_the_client_builds_its_own_pool() {
    multicore::initialize_with(Config::new().workers(2).start(method())).unwrap();
    let (mut rig, value) = (Some(Rig::new(2)), |n| tasks::square::call(n).get().unwrap());
    assert_eq!(value(3), 9);
    rig.as_ref().unwrap().check();
    let default = tasks::parent::call().get().unwrap();
    eventually("the default pool is complete", || procfs::children(default).len() == 2);
    let spawn = |rig: &Option<Rig>| rig.as_ref().map(|rig| rig.pool.spawn(tasks::nap::call(700)).unwrap());
    let mut handle = spawn(&rig);
    let mut dropped = spawn(&rig);
    let large = payload::bytes(1, 100_000);
    let call = || rig.as_ref().map(|rig| rig.pool.spawn(tasks::hand_back::call(large)).unwrap());
    let mut borrowed = call().map(|handle| handle.get_ref().unwrap());
    let before = Belongings::now();
    let child = wild::fork(|| {
        // The child's copies; the parent has its own.
        let (start, handle, rig) = (Instant::now(), handle.take().unwrap(), rig.take().unwrap());
        drop(dropped.take());
        drop(borrowed.take());
        let closed = matches!(handle.get_timeout(Duration::from_secs(60)), Ok(Err(Error::Closed)));
        let at_once = start.elapsed() < Duration::from_millis(500);
        let refused = matches!(rig.pool.spawn(tasks::square::call(1)), Err(Error::Closed));
        drop(rig);
        let own = (0..10).all(|n| value(n) == n * n);
        let wrong = [closed, at_once, refused, own].iter().position(|right| !right);
        multicore::shutdown();
        wrong.map_or(0, |at| at as i32 + 1)
    });
    let status = waitpid(Pid::from_raw(child), None).unwrap();
    assert_eq!(status, WaitStatus::Exited(Pid::from_raw(child), 0), "1 closed, 2 at once, 3 refused, 4 own");
    assert_eq!(value(4), 16);
    assert_eq!(handle.unwrap().get().unwrap(), 700);
    assert_eq!(dropped.unwrap().get().unwrap(), 700);
    payload::check(&borrowed.unwrap().into_owned().unwrap(), 1, 100_000);
    let rig = rig.unwrap();
    rig.check();
    assert_eq!(Belongings::now(), before);
    rig.end();
}

/// They are the parent's; and it has a shelf of its own for those that it starts.
pub fn a_fork_of_the_client_finds_no_job() {
    let rig = Rig::with(builder().workers(2).background_workers(2));
    let folder = Folder::new();
    let gate = folder.file("gate");
    let held = rig.pool.background(tasks::silent::call(&gate)).unwrap();
    let done = rig.pool.background(tasks::square::call(3)).unwrap();
    done.wait();
    let child = wild::fork(|| {
        let none = [held.id(), done.id()].iter().all(|id| multicore::find(*id).is_none());
        let empty = multicore::jobs().is_empty();
        let closed = matches!(done.get(), Some(Err(Error::Closed)));
        let failed = [held.state(), done.state()] == [JobState::Failed; 2] && held.progress().is_none();
        held.cancel();
        let own = tasks::square::call(5).background().unwrap();
        let found = multicore::find(own.id()).and_then(|job| job.downcast::<u64>().ok());
        let right = found.is_some_and(|job| matches!(job.get(), Some(Ok(25))));
        let wrong = [none, empty, closed, failed, right].iter().position(|right| !right);
        multicore::shutdown();
        wrong.map_or(0, |at| at as i32 + 1)
    });
    let status = waitpid(Pid::from_raw(child), None).unwrap();
    assert_eq!(status, WaitStatus::Exited(Pid::from_raw(child), 0), "none, empty, closed, failed, right");
    assert_eq!(done.take().unwrap().unwrap(), 9);
    tasks::open(&gate);
    assert_eq!(multicore::find(held.id()).unwrap().wait(), JobState::Done);
    rig.end();
}

/// No process of a pool keeps a copy of the writing end.
pub fn a_pipe_that_the_client_closes_ends_for_its_reader() {
    let rig = Rig::new(2);
    let [reader, writer] = wild::inheritable_pipe();
    // Whoever is started from here inherits both.
    let later = Rig::new(1);
    for worker in rig.workers() {
        nix::sys::signal::kill(Pid::from_raw(worker.pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    }
    rig.check();
    drop(writer);
    let mut text = String::new();
    std::fs::File::from(reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "");
    later.end();
    rig.end();
}

static POOL: LazyLock<Pool> = LazyLock::new(|| builder().workers(2).build().unwrap());

/// It ends with the program, which is checked by whoever started this.
pub fn a_pool_in_a_static_works_and_ends_with_the_program() {
    let handles: Vec<_> = (0..20).map(|n| POOL.spawn(tasks::square::call(n)).unwrap()).collect();
    for (n, handle) in (0..).zip(handles) {
        assert_eq!(handle.get().unwrap(), n * n);
    }
    let nested = POOL.spawn(through_the_static::call()).unwrap().get().unwrap();
    assert_ne!(nested.0, std::process::id() as i32);
    assert_eq!(nested.0, nested.1);
    drop(POOL.spawn(tasks::nap::call(600_000)).unwrap());
}

/// A nested call that names a pool.
#[multicore::task]
fn through_the_static() -> (i32, i32) {
    (tasks::whoami(), POOL.spawn(tasks::whoami::call()).unwrap().get().unwrap())
}

/// And `initialize` opens it again; each twice does nothing.
pub fn the_default_pool_is_closed_by_shutdown() {
    let open = || multicore::initialize_with(Config::new().workers(2).start(method()));
    for _ in 0..3 {
        open().unwrap();
        open().unwrap();
        let handle = tasks::nap::call(50).spawn().unwrap();
        multicore::shutdown();
        multicore::shutdown();
        assert_eq!(handle.get().unwrap(), 50);
        assert!(matches!(tasks::square::call(1).spawn(), Err(Error::Closed)));
        assert!(matches!(
            tasks::square::call(1).try_spawn(),
            Err(multicore::TrySpawnError::Failed(Error::Closed))
        ));
        assert!(matches!(multicore::par_ranges!(0..3, tasks::in_range), Err(Error::Closed)));
    }
    open().unwrap();
    assert_eq!(tasks::square::call(2).get().unwrap(), 4);
}

/// With the call, which can be sent later.
pub fn try_spawn_on_a_full_pool_hands_the_call_back() {
    multicore::shutdown();
    let config = Config::new().workers(1).slots(2).start(method());
    multicore::initialize_with(config).unwrap();
    let running = [1, 2].map(|_| tasks::nap::call(300).spawn().unwrap());
    let full = tasks::square::call(5).try_spawn().unwrap_err();
    assert_eq!(full.to_string(), "every slot of the pool is queued or running");
    let multicore::TrySpawnError::Full(call) = full else { panic!("{full:?}") };
    assert!(format!("{call:?}").contains("square"));
    let waited = call.spawn().unwrap();
    for handle in running {
        assert_eq!(handle.get().unwrap(), 300);
    }
    assert_eq!(waited.get().unwrap(), 25);
    assert_eq!(tasks::square::call(6).try_spawn().unwrap().get().unwrap(), 36);
}

/// Eight threads, no set-up at all.
pub fn many_threads_use_the_default_pool() {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for n in thread * 100..thread * 100 + 50 {
                    assert_eq!(tasks::square::call(n).get().unwrap(), n * n);
                }
                let mut task = multicore::Task::new();
                for n in 0..50 {
                    task.run(tasks::square::call(n)).unwrap();
                }
                assert_eq!(task.get().unwrap(), (0..50).map(|n| n * n).collect::<Vec<_>>());
            });
        }
    });
}

/// A child of a task that has left its group and its parent is taken along at the end.
pub fn a_daemon_that_a_task_started_ends_with_the_pool() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    rig.pool.spawn(daemonise::call(&folder.file("daemon"))).unwrap().get().unwrap();
    let daemon = folder.process("daemon");
    assert!(daemon.lives());
    drop(rig.pool);
    assert!(!daemon.lives());
}

/// Starts a process in a session of its own.
#[multicore::task]
fn daemonise(path: &str) {
    let program = format!("printf %s $$ > {path}.half; mv {path}.half {path}; exec sleep 600");
    let mut child = std::process::Command::new("setsid").args(["sh", "-c", &program]).spawn().unwrap();
    let _ = child.try_wait();
}

/// Signals more often than a waiter looks after the supervisor do not keep it from looking.
pub fn a_waiter_under_signals_sees_the_death_of_the_supervisor() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let handle = rig.pool.spawn(tasks::announce::call(&folder.file("a"), 600_000)).unwrap();
    let supervisor = Pid::from_raw(folder.process("a").parent);
    let (over, waiter) = (AtomicBool::new(false), wild::Thread::this());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            nix::sys::signal::kill(supervisor, nix::sys::signal::Signal::SIGKILL).unwrap();
            while !over.load(SeqCst) {
                waiter.interrupt();
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let outcome = handle.get();
        over.store(true, SeqCst);
        assert!(matches!(outcome, Err(Error::Died { started: true, .. })), "{outcome:?}");
    });
    rig.end();
}

/// Where calls are handed out, a worker has ten seconds after a call to want the next; that one may take longer.
pub fn a_call_that_is_handed_out_may_take_long() {
    let sandbox = Sandbox::new().without_landlock().without_seccomp();
    let rig = Rig::with(in_family(Pool::builder().workers(2).sandbox(sandbox)));
    let short = |n| rig.pool.spawn(tasks::square::call(n)).unwrap();
    // Queued behind them, a long one is wanted in the look that finds a short one finished.
    let shorts: Vec<_> = (0..200).map(short).collect();
    let long: Vec<_> = (0..2).map(|_| rig.pool.spawn(tasks::nap::call(11_000)).unwrap()).collect();
    for (n, handle) in (0..).zip(shorts) {
        assert_eq!(handle.get().unwrap(), n * n);
    }
    long.into_iter().for_each(|handle| assert_eq!(handle.get().unwrap(), 11_000));
    rig.end();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! alone_scenes {
    ($($then:tt)*) => {
        $($then)*! { alone:
            fifty_pools_leave_nothing_behind
            two_thousand_calls_leave_nothing_behind
            random_deaths_mix_nothing_up
            the_programs_own_wait_does_no_harm_and_takes_none
            a_fork_of_the_client_builds_its_own_pool
            a_fork_of_the_client_finds_no_job
            a_pipe_that_the_client_closes_ends_for_its_reader
            a_pool_in_a_static_works_and_ends_with_the_program
            the_default_pool_is_closed_by_shutdown
            try_spawn_on_a_full_pool_hands_the_call_back
            many_threads_use_the_default_pool
            a_daemon_that_a_task_started_ends_with_the_pool
            a_waiter_under_signals_sees_the_death_of_the_supervisor
        }
    };
}

/// The scenes of this file that take long, given to a macro.
#[macro_export]
macro_rules! long_scenes {
    ($($then:tt)*) => {
        $($then)*! { alone:
            a_call_that_is_handed_out_may_take_long
        }
    };
}
