//! Resources in real processes: whose values they are, and what is written down of them.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use multicore::{Call, Error, Handle, Pool, ResourceGuard, ResourceStats, map_reduce};

use crate::fixture::Folder;
use crate::rig::{Rig, are_handed_out, builder};
use crate::tasks::resources::{
    brief, count_named, in_child, in_children, in_threads, name_brief, name_for_all, name_for_one, name_ours,
    nest, order, ours, turn, turn_within,
};
use crate::watch::eventually;
use crate::wild;

/// Short enough to pass while a call hangs.
pub(super) const SOON: Duration = Duration::from_millis(50);

/// Where resources write what happens to them.
pub(super) struct Log(Folder);

impl Log {
    pub(super) fn new() -> Log {
        Log(Folder::new())
    }

    pub(super) fn path(&self) -> String {
        self.0.file("log")
    }

    /// What happened, and where.
    fn lines(&self) -> Vec<(u32, String)> {
        let text = std::fs::read_to_string(self.path()).unwrap_or_default();
        // What the exit hook notes is no process.
        let whole = text.lines().map(|line| line.split_once(' ').unwrap_or(("0", "exit hook")));
        whole.map(|(pid, event)| (pid.parse().expect("a process"), event.to_owned())).collect()
    }

    /// What happened since it was asked last, in order.
    #[track_caller]
    pub(super) fn check(&self, expected: &[&str]) {
        let events: Vec<String> = self.lines().into_iter().map(|(_, event)| event).collect();
        assert_eq!(events, expected);
        let _ = std::fs::remove_file(self.path());
    }

    /// How often it happened.
    fn count(&self, event: &str) -> usize {
        self.lines().iter().filter(|(_, happened)| happened == event).count()
    }

    /// How often it happened here.
    fn count_here(&self, event: &str) -> usize {
        let here = (std::process::id(), event.to_owned());
        self.lines().iter().filter(|line| **line == here).count()
    }

    /// Waits until it has happened.
    #[track_caller]
    pub(super) fn wait_for(&self, event: &str) {
        eventually("it happens", || self.count(event) > 0);
    }
}

pub(super) fn end<R: 'static>(pool: &Pool, call: Call<'_, R>) -> multicore::Result<R> {
    pool.spawn(call).and_then(Handle::get)
}

/// Whose value a call that goes well has.
#[track_caller]
pub(super) fn good_turn(pool: &Pool, log: &Log) -> (u32, u64) {
    end(pool, turn::call(&log.path(), "", "")).unwrap().unwrap()
}

/// What all workers of the pool have counted: made, reused, checked, replaced.
#[track_caller]
pub(super) fn check_counts(pool: &Pool, expected: [u64; 4]) {
    let ResourceStats { made, reused, checked, replaced, .. } = pool.stats().resources();
    assert_eq!([made, reused, checked, replaced], expected, "{}", pool.stats());
}

/// However many calls there are.
pub fn a_value_is_made_once_a_worker() {
    let (rig, log) = (Rig::new(2), Log::new());
    let path = log.path();
    let calls: Vec<_> = (0..40).map(|_| rig.pool.spawn(turn::call(&path, "", "")).unwrap()).collect();
    let values: HashSet<_> = calls.into_iter().map(|call| call.get().unwrap().unwrap()).collect();
    let workers: HashSet<u32> = values.iter().map(|(pid, _)| *pid).collect();
    assert_eq!(values.len(), workers.len(), "{values:?}");
    assert!(workers.len() <= 2 && !workers.contains(&std::process::id()), "{workers:?}");
    let made = values.len();
    check_counts(&rig.pool, [made as u64, 40 - made as u64, 0, 0]);
    let text = rig.pool.stats().to_string();
    let line = format!("resources made {made}, reused {}, checked 0, replaced 0", 40 - made);
    assert!(text.contains(&line), "{text}");
    assert_eq!([log.count("db made"), log.count("db reset"), log.count("db closed")], [made, 40, 0]);
    rig.end();
    assert_eq!(log.count("db closed"), made, "every worker that ended in order has closed its own");
}

/// An error, a panic, a value given up or forgotten, time that is up, and a call that nobody wants any more.
pub fn whatever_becomes_of_a_call_is_seen_to() {
    let (rig, log) = (Rig::new(1), Log::new());
    let (pool, path) = (&rig.pool, log.path());
    let first = good_turn(pool, &log);
    assert_eq!(end(pool, turn::call(&path, "", "error")).unwrap(), Err("an error".to_owned()));
    assert_eq!(good_turn(pool, &log), first);
    assert_eq!(good_turn(pool, &log), first);
    log.check(&["db made", "db reset", "db reset", "db checked", "db reset", "db reset"]);
    let panicked = end(pool, turn::call(&path, "", "panic"));
    assert!(matches!(&panicked, Err(Error::Panicked { message, .. }) if message == "the call's own"));
    assert_eq!(good_turn(pool, &log), first);
    assert_eq!(end(pool, turn::call(&path, "", "suspect")).unwrap(), Ok(first));
    assert_eq!(good_turn(pool, &log), first);
    log.check(&["db reset", "db checked", "db reset", "db reset", "db checked", "db reset"]);
    check_counts(pool, [1, 7, 3, 0]);
    // The dead one is replaced, and the call has a good one.
    assert_eq!(end(pool, turn::call(&path, "", "suspect")).unwrap(), Ok(first));
    let second = end(pool, turn::call(&path, "check fail", "")).unwrap().unwrap();
    assert_eq!(second, (first.0, first.1 + 1));
    log.check(&["db reset", "db checked", "db closed", "db made", "db reset"]);
    check_counts(pool, [2, 8, 4, 1]);
    assert_eq!(end(pool, turn::call(&path, "", "discard")).unwrap(), Ok(second));
    let third = end(pool, turn::call(&path, "", "forget")).unwrap().unwrap();
    assert_eq!(third, (first.0, first.1 + 2));
    let fourth = good_turn(pool, &log);
    assert_eq!(fourth, (first.0, first.1 + 3));
    log.check(&["db closed", "db made", "db made", "db reset"]);
    check_counts(pool, [4, 9, 4, 2]);
    // A call within a call makes it suspect for the next one.
    assert_eq!(end(pool, turn_within::call(&path, "", "panic")).unwrap(), None);
    assert_eq!(good_turn(pool, &log), fourth);
    log.check(&["db reset", "db checked", "db reset"]);
    // Whoever stays is ended with its value.
    let late = end(pool, turn::call(&path, "", "stay").timeout(SOON));
    assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
    let other = good_turn(pool, &log);
    assert_ne!(other.0, first.0);
    log.check(&["stays", "db made", "db reset"]);
    let unwanted = pool.spawn(turn::call(&path, "", "stay")).unwrap();
    log.wait_for("stays");
    unwanted.cancel();
    assert!(matches!(unwanted.get(), Err(Error::Cancelled { .. })));
    assert_ne!(good_turn(pool, &log).0, other.0);
    log.check(&["stays", "db made", "db reset"]);
    rig.end();
    log.check(&["db closed"]);
}

/// One that their call has in hand is not theirs.
pub fn nested_calls_have_the_value_of_their_worker() {
    let (rig, log) = (Rig::new(1), Log::new());
    let (outer, inner, refused) = end(&rig.pool, nest::call(&log.path())).unwrap();
    assert_eq!(outer, inner);
    assert!(refused.contains("brief` is borrowed in this thread already"), "{refused}");
    assert!(refused.contains("tests/src/tasks/resources.rs"), "where it was asked for: {refused}");
    log.check(&["brief made", "brief closed"]);
    check_counts(&rig.pool, [1, 2, 0, 1]);
    rig.end();
}

/// Then no call waits for it.
pub fn a_start_hook_makes_it_beforehand() {
    let log = Log::new();
    let rig = Rig::with(builder().workers(1).env("MULTICORE_TEST_WARM_UP", log.path()));
    log.check(&["db made", "db reset"]);
    good_turn(&rig.pool, &log);
    log.check(&["db reset"]);
    check_counts(&rig.pool, [1, 1, 0, 0]);
    rig.end();
    log.check(&["db closed"]);
}

/// Until they end.
pub fn a_tasks_own_threads_have_one_each() {
    let (rig, log) = (Rig::new(1), Log::new());
    let values = end(&rig.pool, in_threads::call(&log.path())).unwrap();
    assert_eq!(values.iter().collect::<HashSet<_>>().len(), 4, "{values:?}");
    log.check(&[
        "plain made",
        "plain made",
        "plain closed",
        "plain made",
        "plain closed",
        "plain made",
        "plain closed",
    ]);
    check_counts(&rig.pool, [4, 4, 0, 0]);
    rig.end();
    log.check(&["plain closed"]);
}

/// And so has its child's child; each closes what is its own.
pub fn a_tasks_child_has_its_own() {
    let (rig, log) = (Rig::new(1), Log::new());
    let (values, refused) = end(&rig.pool, in_children::call(&log.path())).unwrap();
    let [own, child, grandchild, again] = values[..] else { panic!("{values:?}") };
    assert_eq!(own, again, "its own is untouched");
    assert!(own.0 != child.0 && child.0 != grandchild.0 && own.0 != grandchild.0, "{values:?}");
    assert!(refused.contains("db` was borrowed before this process was forked"), "{refused}");
    let events = [log.count("db made"), log.count("db closed")];
    assert_eq!(events, [3, 2], "{:?}", log.lines());
    assert!(!log.lines().contains(&(own.0, "db closed".to_owned())), "{:?}", log.lines());
    assert_eq!(good_turn(&rig.pool, &log), own);
    rig.end();
    assert!(log.lines().contains(&(own.0, "db closed".to_owned())));
}

/// One that a fork of the client makes, and its child, whoever forked it; none of them touches the client's.
pub fn a_clients_child_has_its_own() {
    let log = Log::new();
    order(&log.path(), "");
    let guard = ours::get();
    let (here, number) = guard.identity();
    let (child, grandchild) = in_child();
    assert!(here != child.0 && child.0 != grandchild.0, "{child:?} {grandchild:?}");
    let refused = multicore::fork(|| guard.identity()).unwrap().join().unwrap_err().to_string();
    assert!(refused.contains("ours` was borrowed before this process was forked"), "{refused}");
    let own = multicore::fork(|| ours::get().identity()).unwrap().join().unwrap();
    assert!(own.0 != here && own.1 == number + 1, "{own:?}");
    // Not a fork of ours, which ends without a word.
    let child = wild::fork(|| i32::from(ours::get().identity().0 == here));
    let status = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child), None).unwrap();
    assert!(matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)), "{status:?}");
    assert_eq!(guard.identity(), (here, number));
    drop(guard);
    assert_eq!(ours::get().identity(), (here, number));
    assert_eq!([log.count_here("ours made"), log.count_here("ours closed")], [1, 0]);
    assert_eq!(log.count("ours made"), 3);
    // Else it is closed at the program's end, which is too late for the log.
    ResourceGuard::discard(ours::get());
    assert_eq!(log.count_here("ours closed"), 1);
}

/// Of `par_ranges!` and of `map_reduce!`: age zero is a value for each call, not for each input.
pub fn one_call_of_a_map_is_one_use() {
    let rig = Rig::new(2);
    let pool = &rig.pool;
    let chunks = multicore::par_ranges!(vec![1u64; 100], name_for_all, ranges = 4, pool = pool).unwrap();
    let values: HashSet<_> = chunks.iter().flatten().collect();
    assert_eq!((chunks.iter().map(Vec::len).sum::<usize>(), values.len()), (100, 4));
    check_counts(pool, [4, 96, 0, 4]);
    if are_handed_out() {
        // `map_reduce!` is refused there.
        return rig.end();
    }
    let before = pool.stats();
    let named = map_reduce!(0..100u64, map = name_for_one, reduce = count_named, pool = pool).unwrap();
    let counts: Vec<u64> = named.map(|pair| pair.unwrap().1).collect();
    let calls = pool.stats().since(&before).calls.done;
    assert_eq!(counts.iter().sum::<u64>(), 100);
    assert!((1..calls).contains(&(counts.len() as u64)), "{counts:?} in {calls}");
    let made = counts.len() as u64;
    check_counts(pool, [4 + made, 96 + 100 - made, 0, 4 + made]);
    rig.end();
}

/// Of `map` and of single calls.
pub fn each_of_many_calls_is_one_use() {
    let rig = Rig::new(2);
    let chunks: Vec<Vec<u64>> = vec![vec![1, 2]; 20];
    let mapped = rig.pool.map(chunks.iter().map(|chunk| name_for_all::call(chunk)));
    let mut values: Vec<_> = mapped.flat_map(|named| named.unwrap()).collect();
    values.dedup();
    assert_eq!(values.iter().collect::<HashSet<_>>().len(), 20, "{values:?}");
    check_counts(&rig.pool, [20, 20, 0, 20]);
    let handles: Vec<_> = (0..10).map(|_| rig.pool.spawn(name_brief::call()).unwrap()).collect();
    let named: HashSet<_> = handles.into_iter().map(|handle| handle.get().unwrap()).collect();
    assert_eq!(named.len(), 10, "{named:?}");
    check_counts(&rig.pool, [30, 20, 0, 30]);
    rig.end();
}

/// Its worker has one value for all.
pub fn a_background_call_is_as_any() {
    let (rig, log) = (Rig::new(1), Log::new());
    let own = good_turn(&rig.pool, &log);
    let job = rig.pool.background(turn::call(&log.path(), "", "error")).unwrap();
    assert_eq!(job.get().unwrap().unwrap(), Err("an error".to_owned()));
    assert_eq!(good_turn(&rig.pool, &log), own);
    log.check(&["db made", "db reset", "db reset", "db checked", "db reset"]);
    check_counts(&rig.pool, [1, 2, 1, 0]);
    rig.end();
}

/// And count them apart; the end of one closes none of the other's.
pub fn two_pools_have_their_own() {
    let (log, other_log) = (Log::new(), Log::new());
    let (rig, other) = (Rig::new(1), Rig::new(1));
    let own = good_turn(&rig.pool, &log);
    assert_ne!(good_turn(&other.pool, &other_log), own);
    other.end();
    assert_eq!([log.count("db closed"), other_log.count("db closed")], [0, 1]);
    assert_eq!(good_turn(&rig.pool, &log), own);
    check_counts(&rig.pool, [1, 1, 0, 0]);
    rig.end();
    assert_eq!(log.count("db closed"), 1);
}

/// Of what is the client's as well, until they end; and their calls have what their workers have. What is not the
/// client's is refused.
pub fn ten_threads_of_the_client_have_their_own() {
    let (rig, log) = (Rig::new(2), Log::new());
    let (path, pool) = (log.path(), &rig.pool);
    let threads: Vec<_> = thread::scope(|scope| {
        let own = || {
            order(&path, "");
            assert!(brief::try_get().is_err_and(|error| error.to_string().contains("is for workers")));
            let own = ours::with(|value| value.identity());
            let there: Vec<_> = (0..20).map(|_| end(pool, name_ours::call(&path)).unwrap()).collect();
            assert_eq!(ours::get().identity(), own);
            (own, there)
        };
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(own)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let here: HashSet<_> = threads.iter().map(|(own, _)| own).collect();
    assert!(here.len() == 10 && here.iter().all(|(pid, _)| *pid == std::process::id()), "{here:?}");
    eventually("each thread closes its own", || log.count_here("ours closed") == 10);
    let there: HashSet<_> = threads.iter().flat_map(|(_, there)| there).collect();
    let made = there.len();
    assert!(made <= 2 && there.iter().all(|(pid, _)| *pid != std::process::id()), "{there:?}");
    check_counts(pool, [made as u64, 200 - made as u64, 0, 0]);
    rig.end();
    assert_eq!([log.count("ours made"), log.count("ours closed")], [10 + made; 2]);
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! resource_scenes {
    ($($then:tt)*) => {
        $($then)*! { resources:
            a_value_is_made_once_a_worker
            whatever_becomes_of_a_call_is_seen_to
            nested_calls_have_the_value_of_their_worker
            a_start_hook_makes_it_beforehand
            a_tasks_own_threads_have_one_each
            a_tasks_child_has_its_own
            one_call_of_a_map_is_one_use
            each_of_many_calls_is_one_use
            a_background_call_is_as_any
            two_pools_have_their_own
            ten_threads_of_the_client_have_their_own
        }
    };
}

/// The scenes of this file in a client of one thread, given to a macro.
#[macro_export]
macro_rules! resource_fork_scenes {
    ($($then:tt)*) => {
        $($then)*! { resources: a_clients_child_has_its_own }
    };
}
