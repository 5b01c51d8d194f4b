//! A client, one of whose processes dies at a fault point: `at_fault_point exec|fork|handed SCENE SIGNAL`.
//!
//! Makes the calls of its scene, checks what the documentation says of them, and says `done`. Then uses
//! the pool for each line that it reads and says `again`, and ends with its input.

use std::env;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use multicore::{Call, Error, Exit, Handle, Queue, Result, Shared, Signal, Task};
use multicore_tests::fixture::Folder;
use multicore_tests::watch::eventually;
use multicore_tests::{payload, tasks};

#[multicore::task]
fn double(n: u64) -> u64 {
    n * 2
}

#[multicore::task]
fn die() {
    std::process::abort();
}

#[multicore::task]
fn linger() {
    while !multicore::cancelled() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[multicore::task]
fn sum(data: &[u64]) -> u64 {
    data.iter().sum()
}

#[multicore::task]
fn produce(queue: &Queue<u64>, start: u64, end: u64) {
    (start..end).for_each(|n| queue.push(n).expect("it is open"));
}

#[multicore::task]
fn relay(from: &Queue<u64>, to: &Queue<u64>) {
    from.iter().for_each(|n| to.push(n.expect("a number")).expect("it is open"));
}

/// Of age zero: made, put in order and closed in each call.
#[multicore::resource(max_age = "0s")]
fn brief() -> Vec<u64> {
    vec![21]
}

#[multicore::resource(reset = |kept| kept.len() == 1)]
fn kept() -> Vec<u64> {
    vec![21]
}

#[multicore::task]
fn double_kept() -> u64 {
    brief::get()[0] + kept::get()[0]
}

#[multicore::task]
fn kept_alone() -> u64 {
    kept::get()[0]
}

fn somebody_comes_to_the_point() {
    let plan = env::var("MULTICORE_FAULT_POINT").expect("a plan");
    let file = plan.rsplit(':').next().expect("a file");
    eventually("somebody comes to the point", || Path::new(file).exists());
}

/// Runs it again as long as its worker dies; how often it did.
fn insist<'a>(mut call: impl FnMut(u64) -> Call<'a, ()>) -> Result<u64> {
    for deaths in 0.. {
        match call(deaths).spawn()?.get() {
            Err(Error::Died { started: true, .. }) => {}
            ended => return ended.map(|()| deaths),
        }
    }
    Ok(0)
}

/// One worker puts numbers in and one passes them on, until somebody dies; this process does not touch the queues
/// before that, and `begin`s to have numbers put in. What is missing in the end was in the hand of a dead one, of
/// which there may be so many.
fn through_queues(begin: fn(), most: fn(u64) -> u64) -> Result<()> {
    let (from, to) = (Queue::new(4)?, Queue::new(10_000)?);
    let (producers, relays) = thread::scope(|scope| {
        let relays = scope.spawn(|| insist(|_| relay::call(&from, &to)));
        begin();
        // Numbers that tell which of them it was.
        let producers = insist(|deaths| produce::call(&from, 1000 * deaths, 1000 * deaths + 300));
        from.close();
        (producers, relays.join().expect("no panic"))
    });
    let (producers, relays) = (producers?, relays?);
    to.close();
    let all: Vec<u64> = to.iter().collect::<Result<_>>()?;
    let mut sorted = all.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), all.len(), "nothing comes twice");
    let mut missing = 0;
    for producer in 0..=producers {
        let own: Vec<u64> = sorted.iter().copied().filter(|n| n / 1000 == producer).collect();
        // One that died has put in the first of its numbers.
        let end = own.last().map_or(0, |last| last % 1000 + 1);
        missing += if producer == producers { 300 } else { end } - own.len() as u64;
    }
    assert!(missing <= most(relays), "{missing} missing, {relays} died");
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let [_, method, scene, signal] = &arguments[..] else { panic!("{arguments:?}") };
    let signal = Signal(signal.parse().expect("a signal's number"));
    if method == "fork" {
        multicore::initialize()?;
    }
    if method == "handed" {
        hand_out()?;
    }
    match scene.as_str() {
        // Nothing is lost, whoever had it in hand.
        "value" => assert_eq!(double::call(21).spawn()?.get()?, 42),
        // Short enough that workers take several at a time, and often enough that they come to rest.
        "many" => {
            for _ in 0..20 {
                let mut task = Task::new();
                (0..500).try_for_each(|n| task.run(double::call(n)))?;
                assert!(task.get()?.into_iter().eq((0..500).map(|n| 2 * n)));
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        "died" => check_died(double::call(21).spawn()?.get(), signal),
        // Its result was not out.
        "died_with_resources" => {
            check_died(double_kept::call().spawn()?.get(), signal);
            assert_eq!(double_kept::call().spawn()?.get()?, 42);
        }
        // It was: this dies as it makes room, with what it kept.
        "recycled_with_resources" => {
            let method = multicore::Pool::builder().build()?.start_method().expect("processes");
            let pool = multicore::Pool::builder().start(method).workers(2).max_calls(1).build()?;
            for _ in 0..20 {
                assert_eq!(pool.spawn(kept_alone::call())?.get()?, 21);
            }
        }
        // It settles while the thread that looks after it sleeps.
        "awaited" => {
            let folder = Folder::new();
            let gate = folder.file("gate");
            let mut handle = tasks::wait_at::call(&gate, 42).spawn()?;
            assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop())).is_pending());
            eventually("the thread sleeps", does_waker_thread_sleep);
            tasks::write_whole(&gate, "");
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            assert_eq!(runtime.block_on(handle)?, 42);
        }
        "died_of_shared" => {
            let data = Shared::from_fn(1000, |n| n as u64)?;
            check_died(sum::call(&data).spawn()?.get(), signal);
            assert_eq!(sum::call(&data).spawn()?.get()?, 499_500);
        }
        // The supervisor dies while a worker asks it, or has just been answered, or does not need it.
        "shared" => {
            let data = Shared::from_fn(1000, |n| n as u64)?;
            let mut sums = 0;
            while sums < 3 {
                match sum::call(&data).spawn()?.get() {
                    Ok(sum) => assert_eq!(sum, 499_500),
                    Err(Error::Died { started: true, .. }) => continue,
                    Err(error) => return Err(error),
                }
                sums += 1;
            }
        }
        "queue" => through_queues(|| (), |relays| relays)?,
        "queue_given_back" => through_queues(|| (), |_| 0)?,
        // Who has nothing to pass on yet goes to sleep.
        "queue_asleep" => through_queues(somebody_comes_to_the_point, |_| 0)?,
        "queue_of_client" => {
            let queue = Queue::new(1)?;
            let sleeper = relay::call(&queue, &Queue::new(1)?).spawn()?;
            queue.push(1)?;
            sleeper.get()?;
        }
        "never_began" => {
            let error = double::call(21).spawn()?.get().expect_err("no worker ever begins it");
            assert!(matches!(error, Error::Died { started: false, .. }), "{error:?}");
        }
        // Each worker has done its part after one call; the pool of the end has others.
        "recycled" => {
            let method = multicore::Pool::builder().build()?.start_method().expect("processes");
            let pool = multicore::Pool::builder().start(method).workers(2).max_calls(1).build()?;
            for n in 0..20 {
                assert_eq!(pool.spawn(double::call(n))?.get()?, 2 * n);
            }
        }
        // The supervisor is about to empty the only slot, whose windows nobody uses.
        "emptied" => {
            let method = multicore::Pool::builder().build()?.start_method().expect("processes");
            let pool = multicore::Pool::builder().start(method).workers(2).slots(1).build()?;
            let (first, second) = (payload::bytes(1, 1 << 20), payload::bytes(2, 1 << 20));
            payload::check(&pool.spawn(tasks::echo::call(first))?.get()?, 1, 1 << 20);
            somebody_comes_to_the_point();
            for _ in 0..20 {
                payload::check(&pool.spawn(tasks::echo::call(second).retries(1))?.get()?, 2, 1 << 20);
            }
        }
        // The call is over its time when it comes to its end.
        "expired" => {
            let error = linger::call().timeout(Duration::from_millis(20)).get().expect_err("too late");
            assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
        }
        "beside_a_death" => {
            let first = die::call().spawn()?;
            let others: Vec<Handle<u64>> = (0..20).map(|n| double::call(n).spawn()).collect::<Result<_>>()?;
            // With the supervisor every worker dies, and what each of them ran.
            let died = |error: &Error| matches!(error, Error::Died { started: true, .. });
            assert!(first.get().is_err_and(|error| died(&error)));
            for (n, handle) in others.into_iter().enumerate() {
                match handle.get() {
                    Ok(value) => assert_eq!(value, 2 * n as u64),
                    Err(error) => assert!(died(&error), "{error:?}"),
                }
            }
        }
        _ => panic!("no scene `{scene}`"),
    }
    done()
}

fn does_waker_thread_sleep() -> bool {
    let threads = std::fs::read_dir("/proc/self/task").expect("this process's threads").flatten();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok())
        .any(|stat| stat.contains("(multicore-waker) S"))
}

/// A default pool in a sandbox without walls: deaths at the points need files.
fn hand_out() -> Result<()> {
    let sandbox = multicore::Sandbox::new().without_landlock().without_seccomp();
    let plan = env::var("MULTICORE_FAULT_POINT").unwrap_or_default();
    let config = multicore::Config::new().sandbox(sandbox).env("MULTICORE_FAULT_POINT", plan);
    multicore::initialize_with(multicore_tests::fixture::in_family(config))
}

fn check_died(outcome: Result<u64>, expected: Signal) {
    match outcome {
        Err(Error::Died { started: true, exit: Exit::Signal(signal), pid, .. }) => {
            assert_eq!(signal, expected);
            assert!(pid > 1);
        }
        other => panic!("{other:?}"),
    }
}

fn done() -> Result<()> {
    println!("done");
    for _line in io::stdin().lines() {
        let mut task = Task::new();
        for n in 0..200 {
            task.run(double::call(n))?;
        }
        match task.get() {
            Ok(values) => assert_eq!(values, (0..200).map(|n| 2 * n).collect::<Vec<u64>>()),
            // The supervisor was still dying, and took along what ran.
            Err(Error::Died { started: true, .. }) => {
                println!("not yet");
                continue;
            }
            Err(error) => return Err(error),
        }
        println!("again");
    }
    Ok(())
}
