//! Shared data: it reaches every worker whatever happens, is copied for none, and goes when it is dropped.

use std::ops::Range;

use multicore::{Error, Handle, Pool, Sandbox, Shared, Task, par_ranges, share};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::fixture::{Folder, in_family};
use crate::procfs::Stat;
use crate::rig::{Rig, with_pool};
use crate::watch::eventually;
use crate::wild::shared::{ask_for_anything, descriptors, mappings, write_to_shared};
use crate::{tasks, wild};

/// Enough for slices that are not copied.
const LEN: usize = 100_000;

/// How much shared data comes and goes.
const MANY: usize = if cfg!(debug_assertions) { 3_000 } else { 10_000 };

fn numbers() -> Shared<[u64]> {
    Shared::from_fn(LEN, |n| n as u64 * 3).unwrap()
}

fn sum_of(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

#[multicore::task]
fn sum(chunk: &[u64]) -> u64 {
    sum_of(chunk)
}

#[multicore::task]
fn lies_in_shared_data(chunk: &[u64]) -> bool {
    let at = chunk.as_ptr().addr();
    mappings(std::process::id() as i32).iter().any(|mapping| mapping.contains(&at))
}

#[multicore::task]
fn text_len(text: &str) -> usize {
    text.chars().count()
}

#[multicore::task]
fn bounds_sum(start: usize, end: usize) -> u64 {
    (start..end).map(|n| n as u64 * 3).sum()
}

#[multicore::task]
fn range_sum(range: Range<usize>) -> u64 {
    range.map(|n| n as u64 * 3).sum()
}

#[multicore::task]
fn owned(data: Shared<[u64]>) -> u64 {
    sum_of(&data)
}

#[multicore::task]
fn lent(data: &Shared<[u64]>, from: usize) -> u64 {
    sum_of(&data[from..])
}

#[derive(Serialize, Deserialize)]
struct Job {
    name: String,
    parts: Vec<Shared<[u64]>>,
    weights: Option<Shared<[f32]>>,
}

#[multicore::task]
fn job(job: Job) -> (String, u64, f32) {
    let weights: f32 = job.weights.iter().flat_map(|weights| weights.iter()).sum();
    (job.name, job.parts.iter().map(|part| sum_of(part)).sum(), weights)
}

#[multicore::task]
fn two(one: &[u64], other: &[u64], third: &[u8]) -> (u64, u64, usize) {
    (sum_of(one), sum_of(other), third.len())
}

#[multicore::task]
fn nested(data: Shared<[u64]>) -> u64 {
    let halves = par_ranges!(data, sum, ranges = 2).unwrap();
    let whole = owned::call(data.slice(..)).get().unwrap();
    assert_eq!(sum_of(&halves), whole);
    whole
}

#[multicore::task]
fn give_back(data: Shared<[u64]>) -> Option<Shared<[u64]>> {
    Some(data)
}

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

fn get<R: 'static>(pool: &Pool, call: multicore::Call<'_, R>) -> R {
    pool.spawn(call).and_then(Handle::get).unwrap()
}

/// Both workers, whoever has begun already.
fn everywhere(rig: &Rig, data: &[u64]) {
    let mut task = Task::on(&rig.pool);
    for _ in 0..20 {
        task.run(sum::call(data)).unwrap();
    }
    assert_eq!(task.get().unwrap(), [sum_of(data); 20]);
}

/// By each shape of chunk function, and on pages' edges.
pub fn par_ranges_over_shared_data_equals_one_after_another() {
    with_pool(|rig| {
        let data = numbers();
        let pool = &rig.pool;
        let expected = sum_of(&data);
        assert_eq!(sum_of(&par_ranges!(data, sum, pool = pool).unwrap()), expected);
        assert_eq!(sum_of(&par_ranges!(&data[..], sum, pool = pool).unwrap()), expected);
        assert_eq!(sum_of(&par_ranges!(data, bounds_sum, pool = pool).unwrap()), expected);
        assert_eq!(sum_of(&par_ranges!(data, range_sum, pool = pool).unwrap()), expected);
        let shared = par_ranges!(data, lies_in_shared_data, pool = pool, ranges = 7).unwrap();
        assert_eq!(shared, [true; 7], "no chunk is copied");
        for at in [0, 1, 511, 512, LEN - 600] {
            for len in [0, 1, 511, 512, 513, 599] {
                assert_eq!(get(pool, sum::call(&data[at..at + len])), sum_of(&data[at..at + len]));
            }
        }
        assert!(!get(pool, lies_in_shared_data::call(&data[..511])), "a short slice is copied");
        let copy = Vec::from(&data[..]);
        assert!(!get(pool, lies_in_shared_data::call(&copy)), "and so is what is not shared");
    });
}

/// By value, by reference, in structs, several at once, text and bytes.
pub fn shared_data_travels_in_every_way() {
    with_pool(|rig| {
        let (data, pool) = (numbers(), &rig.pool);
        let expected = sum_of(&data);
        assert_eq!(get(pool, owned::call(data.clone())), expected);
        assert_eq!(get(pool, lent::call(&data, 10)), sum_of(&data[10..]));
        assert_eq!(get(pool, owned::call(data.slice(7..=8))), 7 * 3 + 8 * 3);
        assert_eq!(get(pool, owned::call(data.slice(5..5))), 0);
        for nothing in [share([]), Shared::build(0, |_| ()), Shared::read(std::io::empty())] {
            let nothing = nothing.unwrap();
            assert!(nothing.is_empty());
            assert_eq!(get(pool, owned::call(nothing)), 0);
        }
        let weights = Some(share([0.5; 4]).unwrap());
        let parts = vec![data.slice(..10), data.clone(), data.slice(10..)];
        let told = get(pool, job::call(Job { name: "a".to_owned(), parts, weights }));
        assert_eq!(told, ("a".to_owned(), 2 * expected, 2.0));
        let bytes = share(vec![7_u8; 10_000]).unwrap();
        assert_eq!(get(pool, two::call(&data, &data[1..], &bytes)), (expected, expected, 10_000));
        let text = "Größe ".repeat(1000);
        let shared = share(text.as_bytes()).unwrap();
        assert_eq!(get(pool, text_len::call(std::str::from_utf8(&shared).unwrap())), 6000);
        assert_eq!(get(pool, nested::call(data.clone())), expected);
    });
}

/// Written in order, in any order, of unknown length, read, and up to an error.
pub fn shared_data_is_made_in_every_way() {
    with_pool(|rig| {
        let expected: Vec<u64> = (0..LEN as u64).map(|n| n * 3).collect();
        let odd = Shared::collect(expected.iter().copied().filter(|n| n % 2 == 1)).unwrap();
        assert_eq!(odd.len(), LEN / 2);
        let built = Shared::build(LEN, |values: &mut [u64]| {
            assert_eq!(sum_of(values), 0);
            values.iter_mut().rev().zip(expected.iter().rev()).for_each(|(to, from)| *to = *from);
        });
        let bytes: Vec<u8> = expected.iter().flat_map(|n| n.to_ne_bytes()).collect();
        let read: Shared<[u64]> = Shared::read(&bytes[..]).unwrap();
        for data in [numbers(), built.unwrap(), read, share(&expected).unwrap()] {
            assert_eq!(data[..], expected);
            assert_eq!(get(&rig.pool, sum::call(&data)), sum_of(&expected));
        }
        let short = Shared::<[u64]>::read(&bytes[1..]).unwrap_err();
        assert!(matches!(short, Error::Config { .. }), "{short}");
        let failing = (0..10_u64).map(|n| if n < 9 { Ok(n) } else { Err(Error::Closed) });
        assert!(matches!(Shared::try_collect(failing), Err(Error::Closed)));
        let none = Shared::build(usize::MAX / 4, |_: &mut [u64]| ()).unwrap_err();
        assert!(matches!(none, Error::Os { .. }), "{none}");
    });
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
        let mut processes = rig.workers();
        processes.push(rig.supervisor());
        eventually("nobody has any of it", || {
            // A detached call's data goes when somebody looks.
            get(&rig.pool, tasks::nap::call(110));
            let left = |pid| descriptors(pid).len() + mappings(pid).len();
            left(client) == 0 && processes.iter().all(|process| left(process.pid) == 0)
        });
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

/// Neither from a task nor in a sandboxed pool, where slices are copied.
pub fn where_shared_data_cannot_go_says_why() {
    with_pool(|rig| {
        let data = numbers();
        let error = rig.pool.spawn(give_back::call(data.clone())).and_then(Handle::get).unwrap_err();
        assert!(matches!(&error, Error::Encode { .. }), "{error:?}");
        assert!(error.to_string().contains("shared data travels only as an argument"), "{error}");
        let sandbox = Sandbox::new().without_landlock().without_seccomp();
        let pool = in_family(Pool::builder().workers(1).sandbox(sandbox)).build().unwrap();
        let error = pool.spawn(owned::call(data.clone())).and_then(Handle::get).unwrap_err();
        assert!(matches!(&error, Error::Refused { .. }), "{error:?}");
        assert_eq!(get(&pool, sum::call(&data)), sum_of(&data));
        assert!(!get(&pool, lies_in_shared_data::call(&data)));
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
