//! What a pool says of what it has done: exact where calls have settled, and adding up at every moment.

mod load;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use multicore::{Call, CallCounts, Config, Error, Handle, Pool, Stats};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub use self::load::every_look_adds_up_while_workers_are_killed;
use super::alone::method;
use crate::fixture::Folder;
use crate::payload;
use crate::procfs::Stat;
use crate::rig::{Rig, builder, with_pool};
use crate::watch::eventually;
use crate::{tasks, wild};

const SOON: Duration = Duration::from_millis(50);

/// Says in a file who runs it, and goes on once there is another one.
#[multicore::task]
fn held(path: &str) -> u64 {
    tasks::write_whole(path, &std::process::id().to_string());
    while !Path::new(&format!("{path}.go")).exists() {
        thread::sleep(Duration::from_millis(1));
    }
    1
}

/// A failure of its own, which is a result.
#[multicore::task]
fn refuses(n: u64) -> Result<u64, String> {
    Err(format!("{n} is none"))
}

/// A call that runs until it is let go.
struct Held<'f> {
    folder: &'f Folder,
    name: String,
    worker: Stat,
    handle: Handle<u64>,
}

impl Held<'_> {
    /// Once it runs.
    fn begin<'f>(pool: &Pool, folder: &'f Folder, name: &str) -> Held<'f> {
        let handle = pool.spawn(held::call(&folder.file(name))).unwrap();
        let worker = folder.process(name);
        Held { folder, name: name.to_owned(), worker, handle }
    }

    fn end(self) {
        std::fs::write(self.folder.file(&format!("{}.go", self.name)), "").unwrap();
        assert_eq!(self.handle.get().unwrap(), 1);
    }
}

fn outcome<R: 'static>(pool: &Pool, call: Call<'_, R>) -> multicore::Result<R> {
    pool.spawn(call).and_then(Handle::get)
}

/// Queued, running, done, panicked, failed, died, timed out, cancelled, lost.
fn numbers(calls: CallCounts) -> [u64; 9] {
    let CallCounts { queued, running, done, panicked, failed, died, timed_out, cancelled, lost, .. } = calls;
    [queued, running, done, panicked, failed, died, timed_out, cancelled, lost]
}

fn begun(stats: &Stats) -> u64 {
    stats.workers.iter().map(|worker| worker.calls).sum()
}

/// The statistics of a pool with nothing to do, all of whose calls came to their own end, and were timed.
fn at_rest(pool: &Pool) -> Stats {
    let mut stats = pool.stats();
    eventually("what was done before is timed", || {
        stats = pool.stats();
        stats.run_time.count() == stats.calls.accepted()
    });
    stats
}

/// Waits until the workers have said how long everything took that came to its own end.
fn timed(pool: &Pool, before: &Stats, count: u64) -> Stats {
    let mut stats = pool.stats().since(before);
    eventually("every call is timed", || {
        stats = pool.stats().since(before);
        stats.run_time.count() == count
    });
    stats
}

/// Of each kind so many, one after the other.
pub fn every_outcome_is_counted_once() {
    with_pool(|rig| {
        let (pool, folder, before) = (&rig.pool, Folder::new(), at_rest(&rig.pool));
        (0..10).for_each(|n| assert_eq!(outcome(pool, tasks::square::call(n)).unwrap(), n * n));
        (0..2).for_each(|n| assert!(outcome(pool, refuses::call(n)).unwrap().is_err()));
        (0..3).for_each(|_| assert!(outcome(pool, tasks::panic_literal::call()).is_err()));
        assert!(outcome(pool, tasks::take_fails_de::call(tasks::FailsInDeserialize(1))).is_err());
        assert!(outcome(pool, tasks::make_fails_ser::call(1)).is_err());
        let refused = pool.spawn(tasks::take_fails_ser::call(tasks::FailsInSerialize(1)));
        assert!(refused.is_err(), "it is not accepted");
        for _ in 0..2 {
            let killed = outcome(pool, tasks::raise::call(libc::SIGKILL));
            assert!(matches!(killed, Err(Error::Died { .. })));
            let late = outcome(pool, tasks::nap::call(600_000).timeout(SOON));
            assert!(matches!(late, Err(Error::TimedOut { .. })));
        }
        assert_eq!(outcome(pool, tasks::dies_at_first::call(&folder.file("tries"), 1)).unwrap(), 1);
        assert!(outcome(pool, tasks::abort::call().retries(1)).is_err());
        let late = outcome(pool, tasks::nap::call(600_000).timeout(SOON).retries(1));
        assert!(matches!(late, Err(Error::TimedOut { .. })));
        let (first, second) = (Held::begin(pool, &folder, "a"), Held::begin(pool, &folder, "b"));
        let queued: Vec<_> = (0..4).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
        queued.iter().for_each(Handle::cancel);
        queued.into_iter().for_each(|handle| assert!(handle.get().is_err()));
        second.handle.cancel();
        assert!(matches!(second.handle.get(), Err(Error::Cancelled { .. })));
        first.end();

        let stats = pool.stats().since(&before);
        assert_eq!(numbers(stats.calls), [0, 0, 14, 3, 2, 3, 3, 5, 0]);
        assert_eq!((stats.calls.accepted(), stats.calls.unsuccessful()), (30, 16));
        let restarts = stats.restarts;
        assert_eq!(
            [restarts.died, restarts.timed_out, restarts.cancelled, restarts.recycled],
            [2 + 1 + 2, 2 + 2, 1, 0]
        );
        assert_eq!((restarts.all(), stats.supervisor_restarts), (10, 0));
        assert_eq!(begun(&stats), 30 - 4 + 1 + 1 + 1, "four never began, three began again");
        assert_eq!(restarts.all(), stats.workers.iter().map(|worker| worker.restarts.all()).sum::<u64>());
        let stats = timed(pool, &before, 14 + 3 + 2);
        let quantiles = [0.0, 0.5, 0.9, 0.99, 1.0].map(|part| stats.run_time.quantile(part));
        assert!(quantiles.is_sorted() && quantiles[4] == stats.run_time.max(), "{quantiles:?}");
        let busy: Duration = stats.workers.iter().map(|worker| worker.busy).sum();
        assert!(busy >= stats.run_time.sum(), "and what was killed");
        assert!(
            stats.to_string().starts_with("calls     30: 14 done, 3 panicked, 2 failed, 3 died, "),
            "{stats}"
        );
    });
}

/// Nobody collects them, and they are counted all the same: before and after their slots are used again.
pub fn detached_calls_are_counted_as_they_end() {
    let rig = Rig::with(builder().workers(1).slots(4));
    let (pool, before) = (&rig.pool, rig.pool.stats());
    for round in 1..20 {
        drop(pool.spawn(tasks::square::call(3)).unwrap());
        drop(pool.spawn(tasks::panic_literal::call()).unwrap());
        drop(pool.spawn(tasks::raise::call(libc::SIGKILL)).unwrap());
        eventually("all have ended", || {
            let calls = pool.stats().since(&before).calls;
            assert_eq!(calls.accepted(), 3 * round);
            calls.settled() == calls.accepted()
        });
        let calls = pool.stats().since(&before).calls;
        assert_eq!(numbers(calls), [0, 0, round, round, 0, round, 0, 0, 0]);
    }
    rig.end();
}

/// What is queued and what runs, while it is so; and how busy that is.
pub fn what_waits_and_what_runs_is_counted_while_it_does() {
    with_pool(|rig| {
        let (pool, folder) = (&rig.pool, Folder::new());
        let before = at_rest(pool);
        let held = [Held::begin(pool, &folder, "a"), Held::begin(pool, &folder, "b")];
        let mut queued: Vec<_> = (0..5).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
        let now = || pool.stats().since(&before);
        assert_eq!(numbers(now().calls), [5, 2, 0, 0, 0, 0, 0, 0, 0]);
        queued.pop().unwrap().cancel();
        drop(queued.pop());
        assert_eq!(numbers(now().calls), [4, 2, 0, 0, 0, 0, 0, 1, 0]);
        let busy = |stats: &Stats| stats.workers.iter().map(|worker| worker.busy).collect::<Vec<_>>();
        let start = Instant::now();
        let first = busy(&now());
        eventually("both are busier than before, and nobody has ended", || {
            let later = busy(&now());
            later.iter().zip(&first).all(|(later, first)| *later > *first + Duration::from_millis(5))
        });
        let (second, passed) = (busy(&now()), start.elapsed());
        let spent = second.iter().zip(&first).map(|(second, first)| *second - *first);
        assert!(spent.into_iter().all(|spent| spent <= passed), "no more than passed meanwhile");
        held.into_iter().for_each(Held::end);
        queued.into_iter().for_each(|handle| assert!(handle.get().is_ok()));
        eventually("the detached one has ended", || now().calls.done == 6);
        let stats = timed(pool, &before, 6);
        assert_eq!(numbers(stats.calls), [0, 0, 6, 0, 0, 0, 0, 1, 0]);
        assert!(stats.workers.iter().all(|worker| worker.busy <= stats.elapsed), "{stats}");
        assert!(stats.utilisation() > 0.0 && stats.utilisation() <= 1.0);
        eventually("nobody is busy any more", || busy(&pool.stats()) == busy(&pool.stats()));
    });
}

/// Small ones in their header, large ones in windows, with no framing; collected, borrowed, or moved aside.
pub fn bytes_are_counted_exactly() {
    let rig = Rig::with(builder().workers(2).slots(4));
    let (pool, before) = (&rig.pool, rig.pool.stats());
    let bytes = |stats: &Stats| (stats.bytes_sent, stats.bytes_received);
    for len in [0, 1, 80, 81, 5000, 3 << 20] {
        let before = pool.stats();
        let back = outcome(pool, tasks::echo_raw::call(payload::bytes(7, len))).unwrap();
        payload::check(&back, 7, len);
        assert_eq!(bytes(&pool.stats().since(&before)), (len as u64, len as u64));
    }
    let handles: Vec<_> =
        (0..40).map(|n| pool.spawn(tasks::echo_raw::call(payload::bytes(n, 1000))).unwrap()).collect();
    handles.into_iter().for_each(|handle| assert!(handle.get_ref().is_ok()));
    let mut task = multicore::Task::on(pool);
    (0..40).for_each(|n| task.run(tasks::echo_raw::call(payload::bytes(n, 100))).unwrap());
    assert_eq!(task.get().unwrap().len(), 40);
    let all = (3 << 20) + 5000 + 81 + 80 + 1 + 40_000 + 4000;
    assert_eq!(bytes(&pool.stats().since(&before)), (all, all));
    // A retry sends nothing again; what is not collected does not come back.
    let folder = Folder::new();
    let before = pool.stats();
    let path = folder.file("detached");
    drop(pool.spawn(tasks::note::call(&path, 1)).unwrap());
    eventually("it has run", || pool.stats().since(&before).calls.done == 1);
    assert_eq!(pool.stats().since(&before).bytes_received, 0);
    rig.end();
}

/// The numbers belong to the seat, and outlive each worker and each supervisor.
pub fn recycled_workers_are_counted_and_lose_nothing() {
    let pool = builder().workers(1).max_calls(3).build().unwrap();
    (0..30).for_each(|n| assert_eq!(outcome(&pool, tasks::square::call(n)).unwrap(), n * n));
    let none = Stats::default();
    let mut stats = timed(&pool, &none, 30);
    eventually("the last one is replaced", || {
        stats = pool.stats();
        stats.restarts.all() == 10 && stats.workers[0].pid.is_some()
    });
    assert_eq!((stats.restarts.recycled, stats.workers[0].restarts), (10, stats.restarts));
    assert_eq!((stats.calls.done, begun(&stats)), (30, 30));
    assert!(stats.workers[0].age <= stats.elapsed);
    pool.shutdown();
    let end = pool.stats();
    assert_eq!((end.calls, end.restarts, end.workers[0].pid), (stats.calls, stats.restarts, None));
    assert!(end.workers[0].busy >= end.run_time.sum());
}

/// What ran died; what had been counted stays.
pub fn a_replaced_supervisor_goes_on_counting() {
    with_pool(|rig| {
        let (pool, folder, before) = (&rig.pool, Folder::new(), rig.pool.stats());
        for round in 1..4 {
            (0..8).for_each(|n| assert_eq!(outcome(pool, tasks::square::call(n)).unwrap(), n * n));
            let held = Held::begin(pool, &folder, &format!("held{round}"));
            let supervisor = rig.supervisor_of_worker(&held.worker);
            kill(Pid::from_raw(supervisor.pid), Signal::SIGKILL).unwrap();
            assert!(matches!(held.handle.get(), Err(Error::Died { .. })));
            let stats = pool.stats().since(&before);
            assert_eq!(numbers(stats.calls), [0, 0, 8 * round, 0, 0, round, 0, 0, 0]);
            assert_eq!((stats.supervisor_restarts, begun(&stats)), (round, 9 * round));
        }
    });
}

/// The first four in a slot say how long they waited, and one in 64; those that never began do not.
pub fn some_calls_say_how_long_they_waited() {
    let pool = builder().workers(1).slots(1).build().unwrap();
    assert!(pool.stats().queue_wait.is_empty());
    (0..130).for_each(|n| assert_eq!(outcome(&pool, tasks::square::call(n)).unwrap(), n * n));
    let stats = pool.stats();
    assert_eq!((stats.queue_wait.count(), stats.calls.done), (4 + 2, 130));
    let folder = Folder::new();
    let pool = builder().workers(1).slots(3).build().unwrap();
    let held = Held::begin(&pool, &folder, "a");
    let (dropped, kept) = (tasks::square::call(1), tasks::square::call(2));
    let (dropped, kept) = (pool.spawn(dropped).unwrap(), pool.spawn(kept).unwrap());
    let start = Instant::now();
    dropped.cancel();
    eventually("they have waited for a while", || start.elapsed() > Duration::from_millis(5));
    held.end();
    assert_eq!((kept.get().unwrap(), dropped.get().is_err()), (4, true));
    let stats = pool.stats();
    assert_eq!(stats.queue_wait.count(), 2);
    assert!(stats.queue_wait.max() >= Duration::from_millis(5), "{stats}");
}

/// Also those that nobody waits for.
pub fn what_a_pool_cannot_finish_is_lost() {
    let folder = Folder::new();
    let pool = builder().workers(1).shutdown_timeout(SOON).build().unwrap();
    assert_eq!(outcome(&pool, tasks::square::call(3)).unwrap(), 9);
    let held = Held::begin(&pool, &folder, "a");
    let queued = pool.spawn(tasks::square::call(1)).unwrap();
    drop(pool.spawn(tasks::square::call(1)).unwrap());
    assert_eq!(numbers(pool.stats().calls), [2, 1, 1, 0, 0, 0, 0, 0, 0]);
    pool.shutdown();
    assert_eq!(numbers(pool.stats().calls), [0, 0, 1, 0, 0, 0, 0, 0, 3]);
    assert!(matches!((held.handle.get(), queued.get()), (Err(Error::Closed), Err(Error::Closed))));
    assert_eq!(numbers(pool.stats().calls), [0, 0, 1, 0, 0, 0, 0, 0, 3]);
}

/// In a forked child the pool is the parent's, and so are the numbers.
pub fn a_fork_of_the_client_reads_nothing() {
    with_pool(|rig| {
        assert!(rig.pool.stats().calls.accepted() > 0);
        let child = wild::fork(|| i32::from(rig.pool.stats() != Stats::default()));
        let status = nix::sys::wait::waitpid(Pid::from_raw(child), None).unwrap();
        assert_eq!(status, nix::sys::wait::WaitStatus::Exited(Pid::from_raw(child), 0));
    });
}

/// The default pool's, while there is one.
pub fn the_default_pool_has_statistics_while_it_is_open() {
    multicore::shutdown();
    assert!(multicore::stats().is_none());
    for calls in 1..4 {
        multicore::initialize_with(Config::new().workers(2).start(method())).unwrap();
        assert_eq!(multicore::stats().unwrap().calls.accepted(), 0);
        (0..calls).for_each(|n| assert_eq!(tasks::square::call(n).get().unwrap(), n * n));
        let stats = multicore::stats().unwrap();
        assert_eq!((stats.calls.done, stats.workers.len()), (calls, 2));
        multicore::shutdown();
        assert!(multicore::stats().is_none());
    }
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! stats_scenes {
    ($($then:tt)*) => {
        $($then)*! { stats:
            every_outcome_is_counted_once
            detached_calls_are_counted_as_they_end
            what_waits_and_what_runs_is_counted_while_it_does
            bytes_are_counted_exactly
            recycled_workers_are_counted_and_lose_nothing
            a_replaced_supervisor_goes_on_counting
            some_calls_say_how_long_they_waited
            what_a_pool_cannot_finish_is_lost
            a_fork_of_the_client_reads_nothing
            every_look_adds_up_while_workers_are_killed
        }
    };
}

/// The scenes of this file about the default pool, given to a macro.
#[macro_export]
macro_rules! default_stats_scenes {
    ($($then:tt)*) => {
        $($then)*! { stats: the_default_pool_has_statistics_while_it_is_open }
    };
}
