//! Awaits, seen as what they do to a whole process.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use multicore::{Error, Handle, Pool};
use nix::errno::Errno;
use nix::sys::signal::{Signal as Kill, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use super::awaits;
use crate::fixture::Folder;
use crate::payload::Random;
use crate::procfs;
use crate::rig::{Rig, builder};
use crate::watch::eventually;
use crate::{tasks, wild};

/// The names of this process's threads that look after awaited calls.
fn waker_threads() -> usize {
    let threads = fs::read_dir("/proc/self/task").expect("this process's threads").flatten();
    let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
    names.filter(|name| name.trim() == "multicore-waker").count()
}

/// Calls are made, waited for and awaited where they are there at once; then many pools, threads and executors
/// await; and when nothing has been awaited for a while the thread is gone, and comes back when it is wanted.
pub fn no_thread_is_started_before_an_await_has_to_wait_and_one_serves_all() {
    let pools: Vec<_> = (0..3).map(|_| builder().workers(1).build().unwrap()).collect();
    for pool in &pools {
        assert_eq!(pool.spawn(tasks::square::call(3)).unwrap().get().unwrap(), 9);
        let handle = pool.spawn(tasks::square::call(4)).unwrap();
        eventually("the result is there", || handle.is_finished());
        assert_eq!(awaits::on_tokio(handle).unwrap(), 16);
    }
    assert_eq!(waker_threads(), 0);
    let folder = Folder::new();
    for round in 0..2 {
        let gate = &folder.file(&format!("gate {round}"));
        let await_at = |pool: &Pool| pool.spawn(tasks::wait_at::call(gate, 7)).unwrap();
        std::thread::scope(|scope| {
            for (n, pool) in pools.iter().enumerate() {
                let handles = [(); 2].map(|()| await_at(pool));
                scope.spawn(move || {
                    for handle in handles {
                        let result = if n == 0 { smol::block_on(handle) } else { awaits::on_tokio(handle) };
                        assert_eq!(result.unwrap(), 7);
                    }
                });
            }
            eventually("there is one", || waker_threads() == 1);
            let mut awaited = await_at(&pools[0]);
            awaits::on_tokio(async {
                for _ in 0..20 {
                    let given_up = tokio::time::timeout(Duration::from_millis(1), &mut awaited).await;
                    assert!(given_up.is_err(), "the gate is closed");
                    assert_eq!(waker_threads(), 1);
                }
            });
            tasks::write_whole(gate, "");
            assert_eq!(awaited.get().unwrap(), 7);
        });
        eventually("nothing is awaited, and the thread ends", || waker_threads() == 0);
    }
}

/// Workers again and again, and the supervisor once in a while: each await settles, once, with the right value or
/// the death of its worker.
pub fn a_thousand_awaits_on_one_thread_settle_while_processes_are_killed() {
    let rig = Rig::with(builder().workers(2).slots(256));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| kill_until(&over));
        let mut died = BTreeMap::new();
        // At least one of each kind of death has to come in between.
        for round in 0.. {
            for (how, count) in a_thousand_awaits(&rig.pool) {
                *died.entry(how).or_insert(0) += count;
            }
            if round >= 1
                && died.get("killed").is_some_and(|count| *count >= 5)
                && died.contains_key("unseen")
            {
                break;
            }
        }
        over.store(true, SeqCst);
    });
    eventually("the pool is whole again", || {
        let call = rig.pool.spawn(tasks::square::call(2)).and_then(Handle::get);
        call.is_ok_and(|square| square == 4)
    });
    rig.end();
}

/// How many calls died with their worker, and how many with the supervisor.
fn a_thousand_awaits(pool: &Pool) -> BTreeMap<&'static str, usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let tasks = tokio::task::LocalSet::new();
    let settled: std::rc::Rc<Vec<Cell<u32>>> = std::rc::Rc::new((0..1000).map(|_| Cell::new(0)).collect());
    let died = std::rc::Rc::new(Cell::new([0, 0]));
    for n in 0..1000 {
        let handle = pool.spawn(tasks::nap_and_square::call(n % 4, n)).expect("an open pool");
        let (settled, died) = (settled.clone(), died.clone());
        tasks.spawn_local(async move {
            match handle.await {
                Ok(square) => assert_eq!(square, n * n),
                Err(Error::Died { pid, .. }) => {
                    let [mut killed, mut unseen] = died.get();
                    if pid == 0 {
                        unseen += 1
                    } else {
                        killed += 1
                    }
                    died.set([killed, unseen]);
                }
                Err(other) => panic!("{n}: {other:?}"),
            }
            let count = &settled[n as usize];
            count.set(count.get() + 1);
        });
    }
    runtime.block_on(tasks);
    assert!(settled.iter().all(|count| count.get() == 1), "each settles once");
    let [killed, unseen] = died.get();
    [("killed", killed), ("unseen", unseen)].into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Kills workers, and one time in forty the supervisor.
fn kill_until(over: &AtomicBool) {
    let own = std::process::id() as i32;
    let mut random = Random::new(4);
    while !over.load(SeqCst) {
        std::thread::sleep(Duration::from_micros(random.below(20_000)));
        for supervisor in procfs::children(own).into_iter().filter(|child| child.name.contains(": super")) {
            let victims = match random.below(40) {
                0 => vec![supervisor],
                _ => procfs::children(supervisor.pid),
            };
            let Some(victim) = victims.get(random.below(victims.len() as u64) as usize) else { continue };
            // Gone already is as good.
            let _ = kill(Pid::from_raw(victim.pid), Kill::SIGKILL);
        }
    }
}

/// What is awaited in the parent is closed in the child, which makes a pool and a thread of its own.
pub fn a_fork_of_the_client_awaits_its_own_calls() {
    let folder = Folder::new();
    let (gate, own) = (folder.file("gate"), folder.file("own gate"));
    let pool = builder().workers(1).build().unwrap();
    let counting = Arc::new(awaits::Counting::default());
    let mut handle = pool.spawn(tasks::wait_at::call(&gate, 3)).unwrap();
    assert!(awaits::poll(&mut handle, &counting.clone().into()).is_pending());
    eventually("the parent's thread is there", || waker_threads() == 1);
    let (mut handle, mut pool) = (Some(handle), Some(pool));
    let child = wild::fork(|| {
        let none = waker_threads() == 0;
        let handle = handle.take().expect("the child's copy");
        let closed = matches!(awaits::on_tokio(handle), Err(Error::Closed));
        drop(pool.take());
        let mine = builder().workers(1).build().and_then(|pool| {
            let handle = pool.spawn(tasks::wait_at::call(&own, 5))?;
            tasks::write_whole(&own, "");
            let awaited = awaits::on_tokio(handle)?;
            Ok(awaited == 5 && counting.count() == 0)
        });
        let wrong = [none, closed, mine.unwrap_or(false)].iter().position(|right| !right);
        wrong.map_or(0, |at| at as i32 + 1)
    });
    let status = match waitpid(Pid::from_raw(child), None) {
        Err(Errno::EINTR) => waitpid(Pid::from_raw(child), None),
        status => status,
    };
    assert_eq!(status, Ok(WaitStatus::Exited(Pid::from_raw(child), 0)), "1 none, 2 closed, 3 mine");
    tasks::write_whole(&gate, "");
    assert_eq!(awaits::on_tokio(handle.expect("the parent's own")).unwrap(), 3);
}

/// It returns from `main` with a call that runs and one that is queued.
pub fn a_program_ends_while_calls_are_awaited() {
    let pool = Box::leak(Box::new(builder().workers(1).build().unwrap()));
    for _ in 0..2 {
        let handle = Box::leak(Box::new(pool.spawn(tasks::nap::call(600_000)).unwrap()));
        assert!(awaits::poll(handle, std::task::Waker::noop()).is_pending());
    }
    eventually("the thread looks after them", || waker_threads() == 1);
}

/// A kernel before 5.16, or a filter that does not know `futex_waitv`.
pub fn where_the_kernel_waits_for_one_word_alone_awaits_settle() {
    let rules = [(libc::SYS_futex_waitv, Vec::new())].into_iter().collect();
    let refuse = SeccompAction::Errno(libc::ENOSYS as u32);
    let here = std::env::consts::ARCH.try_into().expect("an architecture with filters");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, here).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a program");
    seccompiler::apply_filter_all_threads(&program).expect("its installation");
    awaits::an_await_gives_whatever_became_of_the_call();
    awaits::an_await_sees_the_deaths_of_worker_and_supervisor();
    awaits::several_executors_await_calls_of_several_pools();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! await_alone_scenes {
    ($($then:tt)*) => {
        $($then)*! { awaits_alone:
            no_thread_is_started_before_an_await_has_to_wait_and_one_serves_all
            a_thousand_awaits_on_one_thread_settle_while_processes_are_killed
            a_fork_of_the_client_awaits_its_own_calls
            a_program_ends_while_calls_are_awaited
            where_the_kernel_waits_for_one_word_alone_awaits_settle
        }
    };
}
