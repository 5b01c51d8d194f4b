//! Queues between processes: what goes in comes out once, whoever dies.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use multicore::{Error, Handle, Pool, PopError, PushError, Queue, Sandbox};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::kept::nobody_has_any;
use super::shared::get;
use crate::fixture::{Folder, in_family};
use crate::payload::Random;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks;
use crate::watch::eventually;
use crate::wild;
use crate::wild::queue::{descriptors, mappings, write_over_queues};

/// How many items go through.
const MANY: u64 = if cfg!(debug_assertions) { 4_000 } else { 40_000 };

pub(super) fn queue<T: Serialize + for<'de> Deserialize<'de>>(capacity: usize) -> Queue<T> {
    Queue::new(capacity).unwrap()
}

fn jobs(queue: &Queue<u64>) -> impl Iterator<Item = u64> {
    queue.iter().map(Result::unwrap)
}

/// The sum of what it takes out until the end.
#[multicore::task]
fn consume(jobs: &Queue<u64>) -> u64 {
    self::jobs(jobs).sum()
}

/// Passes on what it takes out, until the end.
#[multicore::task]
fn relay(from: &Queue<u64>, to: &Queue<u64>) {
    jobs(from).for_each(|n| to.push(n).unwrap());
}

/// Puts in all from `start` to `end`.
#[multicore::task]
fn produce(queue: &Queue<u64>, start: u64, end: u64) {
    (start..end).for_each(|n| queue.push(n).unwrap());
}

/// As `relay`, having said that it has begun.
#[multicore::task]
fn relay_loudly(from: Queue<u64>, to: Queue<u64>, path: &str) {
    tasks::write_whole(path, &std::process::id().to_string());
    jobs(&from).for_each(|n| to.push(n).unwrap());
}

#[derive(Serialize, Deserialize)]
struct Ends {
    name: String,
    all: Vec<Queue<u64>>,
    texts: Option<Queue<String>>,
}

#[multicore::task]
fn fill(ends: Ends) -> usize {
    ends.all.iter().zip(7..).for_each(|(queue, n)| queue.push(n).unwrap());
    ends.texts.iter().for_each(|texts| texts.push(ends.name.clone()).unwrap());
    ends.all.len()
}

#[multicore::task]
fn give_back(queue: Queue<u64>) -> Option<Queue<u64>> {
    Some(queue)
}

/// A queue of the task's own, and one that came as an argument, in threads and in calls inside of this one.
#[multicore::task]
fn within(results: &Queue<u64>) -> Result<(), String> {
    let own = queue(2);
    let sum = thread::scope(|scope| {
        let consumer = scope.spawn(|| jobs(&own).sum::<u64>());
        (0..100).for_each(|n| own.push(n).unwrap());
        own.close();
        consumer.join().unwrap()
    });
    results.push(sum).map_err(|error| error.to_string())?;
    produce::call(results, 5, 8).get().map_err(|error| error.to_string())
}

static KEPT: Mutex<Option<Queue<u64>>> = Mutex::new(None);

#[multicore::task]
fn keep(queue: Queue<u64>) {
    *KEPT.lock().unwrap() = Some(queue);
}

#[multicore::task]
fn use_kept(n: u64) -> (u64, usize) {
    let kept = KEPT.lock().unwrap();
    let queue = kept.as_ref().expect("it is kept");
    queue.push(n).unwrap();
    (queue.pop().unwrap(), mappings(std::process::id() as i32).len())
}

#[multicore::task]
fn try_full(queue: &Queue<Vec<u8>>, moment: u64) -> Vec<String> {
    let moment = Duration::from_millis(moment);
    let answers =
        [queue.try_push(vec![1; 10]), queue.push_timeout(vec![2; 20], moment), queue.push(vec![3; 1000])];
    answers.map(|answer| answer.unwrap_err().to_string()).to_vec()
}

/// By value, by reference, in structs, several at once; and the same one again.
pub fn queues_travel_in_every_way() {
    with_pool(|rig| {
        for _ in 0..3 {
            let (one, other, texts) = (queue(3), queue(3), queue(1));
            let ends = Ends {
                name: "texts".into(),
                all: vec![one.clone(), other.clone()],
                texts: Some(texts.clone()),
            };
            assert_eq!(get(&rig.pool, fill::call(ends)), 2);
            assert_eq!(
                (one.pop().unwrap(), other.pop().unwrap(), texts.pop().unwrap()),
                (7, 8, "texts".into())
            );
            get(&rig.pool, produce::call(&one, 1, 4));
            one.close();
            get(&rig.pool, relay::call(&one, &other));
            other.close();
            assert_eq!(get(&rig.pool, consume::call(&other)), 6);
        }
        let results = queue(10);
        assert_eq!(get(&rig.pool, within::call(&results)), Ok(()));
        results.close();
        assert!(jobs(&results).eq([4950, 5, 6, 7]));
    });
}

/// Workers and threads of the client, on both ends, through cells of which there are one, three and many.
pub fn many_producers_and_consumers_lose_nothing() {
    let rig = Rig::with(builder().workers(4));
    for capacity in [1, 3, 1000] {
        let (from, to) = (queue(capacity), queue(capacity));
        let each = if capacity == 1 { MANY / 20 } else { MANY / 4 };
        let pool = &rig.pool;
        let producers: Vec<_> =
            (0..2).map(|n| pool.spawn(produce::call(&from, n * each, (n + 1) * each)).unwrap()).collect();
        let relays: Vec<_> = (0..2).map(|_| pool.spawn(relay::call(&from, &to)).unwrap()).collect();
        let mut all: Vec<u64> = thread::scope(|scope| {
            let threads = (2..4).map(|n| {
                let from = &from;
                scope.spawn(move || (n * each..(n + 1) * each).for_each(|n| from.push(n).unwrap()))
            });
            let threads: Vec<_> = threads.collect();
            let consumers: Vec<_> = (0..2).map(|_| scope.spawn(|| jobs(&to).collect::<Vec<_>>())).collect();
            producers.into_iter().for_each(|handle| handle.get().unwrap());
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            from.close();
            relays.into_iter().for_each(|handle| handle.get().unwrap());
            to.close();
            consumers.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        all.sort_unstable();
        assert!(all.into_iter().eq(0..4 * each), "through {capacity}");
    }
    rig.end();
}

/// Consumers in workers that have nothing to do, and producers that have no room.
pub fn closing_wakes_sleepers_in_other_processes() {
    with_pool(|rig| {
        for round in 0..10 {
            let (folder, empty, full) = (Folder::new(), queue(1), queue(1));
            full.push(9).unwrap();
            let sleeper =
                rig.pool.spawn(relay_loudly::call(empty.clone(), queue(1), &folder.file("one"))).unwrap();
            let other = rig.pool.spawn(produce::call(&full, round, 100)).unwrap();
            let worker = folder.process("one");
            eventually("it sleeps", || crate::procfs::stat(worker.pid).is_some_and(|stat| stat.state == 'S'));
            empty.close();
            sleeper.get().unwrap();
            full.close();
            // Its push is refused, which it takes for a mistake.
            assert!(
                matches!(other.get(), Err(Error::Panicked { message, .. }) if message.contains("Closed"))
            );
            assert_eq!((full.pop().unwrap(), full.pop().is_err()), (9, true));
        }
    });
}

/// Each is killed at a random moment, and has at most one job in hand.
pub fn a_killed_consumer_takes_along_what_it_had_in_hand() {
    with_pool(|rig| {
        let mut random = Random::new(5);
        let (folder, from, to) = (Folder::new(), queue(8), queue(8));
        let start = |name: &str| {
            let path = folder.file(name);
            let handle = rig.pool.spawn(relay_loudly::call(from.clone(), to.clone(), &path)).unwrap();
            (handle, folder.process(name))
        };
        let deaths = AtomicU64::new(0);
        let mut seen = BTreeSet::new();
        let sent = thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let more = |n: &u64| *n < MANY || deaths.load(Relaxed) <= 3;
                let sent = (0..).take_while(more).inspect(|n| from.push(*n).unwrap()).count();
                from.close();
                sent as u64
            });
            let mut steady = Some(start("steady").0);
            while let Some(handle) = steady.take() {
                let (killed, worker) = start("killed");
                for _ in 0..random.below(MANY / 20) {
                    match to.pop_timeout(Duration::from_millis(20)) {
                        Ok(n) => assert!(seen.insert(n), "{n} twice"),
                        Err(PopError::Empty) => break,
                        Err(other) => panic!("{other}"),
                    }
                }
                let _ = kill(Pid::from_raw(worker.pid), Signal::SIGKILL);
                // What it had done by then must be taken by somebody.
                while !killed.is_finished() {
                    let _ = to.try_pop().map(|n| assert!(seen.insert(n), "{n} twice"));
                }
                match killed.get() {
                    Err(Error::Died { started: true, .. }) => drop(deaths.fetch_add(1, Relaxed)),
                    Ok(()) => {}
                    Err(other) => panic!("{other:?}"),
                }
                steady = (!handle.is_finished()).then_some(handle);
            }
            sender.join().unwrap()
        });
        to.close();
        for n in jobs(&to) {
            assert!(seen.insert(n), "{n} twice");
        }
        let (lost, deaths) = (sent - seen.len() as u64, deaths.into_inner());
        assert!(deaths > 3 && lost <= deaths, "{lost} lost by {deaths} deaths");
    });
}

/// Of one producer's numbers, or of the other's, which begin at [`OTHER`]: in order, and none left out.
fn take(next: &mut [u64; 2], n: u64) {
    let next = &mut next[usize::from(n >= OTHER)];
    assert_eq!(n, *next);
    *next += 1;
}

const OTHER: u64 = 1 << 32;

/// What it put in before is there, in order, and nothing after it.
pub fn a_killed_producer_leaves_what_it_put_in() {
    with_pool(|rig| {
        let mut random = Random::new(7);
        for round in 0..15 {
            let (queue, source) = (queue([1, 2, 64][round % 3]), queue(4));
            let (folder, end, goal) = (Folder::new(), OTHER + MANY / 4, random.below(300));
            let path = folder.file("it");
            let killed = rig.pool.spawn(relay_loudly::call(source.clone(), queue.clone(), &path)).unwrap();
            let other = rig.pool.spawn(produce::call(&queue, OTHER, end)).unwrap();
            let worker = folder.process("it");
            let mut next = [0, OTHER];
            thread::scope(|scope| {
                scope.spawn(|| (0..1000).take_while(|n| source.push(*n).is_ok()).count());
                while next[0] < goal && next[1] < end {
                    take(&mut next, queue.pop().unwrap());
                }
                let _ = kill(Pid::from_raw(worker.pid), Signal::SIGKILL);
                while !other.is_finished() || !killed.is_finished() {
                    let _ = queue.pop_timeout(Duration::from_millis(1)).map(|n| take(&mut next, n));
                }
                source.close();
            });
            other.get().unwrap();
            assert!(matches!(killed.get(), Err(Error::Died { started: true, .. })));
            queue.close();
            jobs(&queue).for_each(|n| take(&mut next, n));
            assert_eq!(next[1], end);
        }
    });
}

/// Full, closed or too large: in a worker as here.
pub fn what_a_queue_refuses_is_told_in_workers_too() {
    with_pool(|rig| {
        let queue: Queue<Vec<u8>> = Queue::with_limit(1, 100).unwrap();
        queue.push(vec![0]).unwrap();
        let answers = get(&rig.pool, try_full::call(&queue, 5));
        assert_eq!(answers[..2], ["the queue is full", "the queue is full"]);
        assert!(answers[2].contains("1008 bytes is over the limit of 100"), "{answers:?}");
        queue.close();
        assert_eq!(
            get(&rig.pool, try_full::call(&queue, 5))[..2],
            ["the queue is closed", "the queue is closed"]
        );
        assert!(matches!(queue.push(vec![1]), Err(PushError::Closed(item)) if item == [1]));
    });
}

/// Its client's own is dropped, and the worker's stays, alone and whole.
pub fn a_queue_that_a_worker_keeps_stays() {
    let rig = Rig::with(builder().workers(1));
    let queue = queue(2);
    get(&rig.pool, keep::call(queue.clone()));
    assert_eq!(get(&rig.pool, use_kept::call(1)), (1, 1));
    drop(queue);
    eventually("the supervisor lets go of it", || descriptors(rig.supervisor().pid).is_empty());
    for n in 0..10 {
        get(&rig.pool, tasks::square::call(3));
        assert_eq!(get(&rig.pool, use_kept::call(n)), (n, 1));
    }
    rig.end();
}

/// The next supervisor is told of it before its workers ask.
pub fn a_queue_outlives_a_killed_supervisor() {
    with_pool(|rig| {
        let (from, to) = (queue(4), queue(200));
        for round in 0..3 {
            let sleeper = rig.pool.spawn(relay::call(&from, &to)).unwrap();
            from.push(round).unwrap();
            assert_eq!(to.pop().unwrap(), round);
            kill(Pid::from_raw(rig.supervisor().pid), Signal::SIGKILL).unwrap();
            assert!(matches!(sleeper.get(), Err(Error::Died { started: true, .. })));
            rig.check();
            get(&rig.pool, produce::call(&from, 0, 3));
            assert_eq!(get(&rig.pool, consume_some::call(&from, 3)), 3);
        }
    });
}

#[multicore::task]
fn consume_some(jobs: &Queue<u64>, count: u64) -> u64 {
    (0..count).map(|_| jobs.pop().unwrap()).sum()
}

/// In the client, the supervisor and workers: no descriptor, no mapping.
pub fn nothing_is_left_of_queues_that_came_and_went() {
    with_pool(|rig| {
        let client = std::process::id() as i32;
        for n in 0..MANY / 20 {
            let queue = queue(4);
            let handle = rig.pool.spawn(produce::call(&queue, n, n + 4)).unwrap();
            if n % 2 == 0 {
                drop(handle);
                drop(queue);
                continue;
            }
            handle.get().unwrap();
            queue.close();
            assert!(jobs(&queue).eq(n..n + 4));
        }
        rig.check();
        nobody_has_any(rig, client);
    });
}

/// Neither from a task nor in a sandboxed pool, nor from a worker that made it.
pub fn where_a_queue_cannot_go_says_why() {
    with_pool(|rig| {
        let error = rig.pool.spawn(give_back::call(queue(1))).and_then(Handle::get).unwrap_err();
        assert!(matches!(&error, Error::Encode { .. }), "{error:?}");
        assert!(error.to_string().contains("a queue travels only as an argument"), "{error}");
        let sandbox = Sandbox::new().without_landlock().without_seccomp();
        let pool = in_family(Pool::builder().workers(1).sandbox(sandbox)).build().unwrap();
        let error = pool.spawn(consume::call(&queue(1))).and_then(Handle::get).unwrap_err();
        assert!(
            matches!(&error, Error::Refused { .. }) && error.to_string().contains("sandboxed"),
            "{error:?}"
        );
        assert_eq!(get(&pool, tasks::square::call(3)), 9);
    });
}

/// It has what it inherited: on its own, and with workers of its own.
pub fn a_fork_of_the_client_has_its_queues() {
    with_pool(|rig| {
        let (from, to) = (queue(4), queue(4));
        from.push(20).unwrap();
        let child = wild::fork(|| {
            let Ok(pool) = Pool::builder().workers(1).build() else { return 1 };
            let Ok(n) = from.pop() else { return 2 };
            if pool.spawn(produce::call(&to, n, n + 2)).and_then(Handle::get).is_err() {
                return 3;
            }
            drop(pool);
            if to.push(99).is_ok() { 0 } else { 4 }
        });
        assert!((0..2).map(|_| to.pop().unwrap()).eq([20, 21]));
        let status = waitpid(Pid::from_raw(child), None).unwrap();
        assert_eq!(status, WaitStatus::Exited(Pid::from_raw(child), 0), "1 pool, 2 pop, 3 call, 4 push");
        assert_eq!(to.pop().unwrap(), 99);
        get(&rig.pool, produce::call(&to, 1, 2));
        assert_eq!(to.pop().unwrap(), 1);
    });
}

/// Whatever stands in the memory then: the client is safe, and nobody who set a time limit hangs.
pub fn a_worker_that_writes_over_a_queue_harms_no_client() {
    with_pool(|rig| {
        for seed in 0..if cfg!(debug_assertions) { 60 } else { 400 } {
            let queue: Queue<Vec<String>> = Queue::with_limit(4, 1 << 20).unwrap();
            let item = || vec!["text".repeat(seed % 40); 3];
            let vandal = rig.pool.spawn(scribble::call(&queue, seed as u64)).unwrap();
            for _ in 0..10 {
                let _ = queue.push_timeout(item(), Duration::from_millis(1));
                let _ = queue.pop_timeout(Duration::from_millis(1));
                let _ = (queue.len(), queue.is_closed(), queue.is_empty());
            }
            // It may itself come across what it wrote.
            let _ = vandal.get();
            let _ = queue.try_pop();
            queue.close();
            let _ = queue.pop_timeout(Duration::from_millis(1));
        }
    });
}

#[multicore::task]
fn scribble(queue: &Queue<Vec<String>>, seed: u64) {
    let mut random = Random::new(seed);
    for _ in 0..20 {
        let _ = queue.try_push(vec!["hers".to_owned()]);
        write_over_queues(|| random.number());
        let _ = queue.try_pop();
    }
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! queue_scenes {
    ($($then:tt)*) => {
        $($then)*! { queues:
            queues_travel_in_every_way
            many_producers_and_consumers_lose_nothing
            closing_wakes_sleepers_in_other_processes
            a_killed_consumer_takes_along_what_it_had_in_hand
            a_killed_producer_leaves_what_it_put_in
            what_a_queue_refuses_is_told_in_workers_too
            a_queue_that_a_worker_keeps_stays
            a_queue_outlives_a_killed_supervisor
            nothing_is_left_of_queues_that_came_and_went
            where_a_queue_cannot_go_says_why
            a_fork_of_the_client_has_its_queues
            a_worker_that_writes_over_a_queue_harms_no_client
        }
    };
}
