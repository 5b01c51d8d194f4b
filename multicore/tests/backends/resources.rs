//! What workers keep from call to call: once a worker, whatever a worker is.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use multicore::{Backend, Error, Handle, Pool, ResourceError, ResourceStats};

use crate::stage::{Stage, eventually};

thread_local! {
    /// Where this thread's values write what happens to them, and whether they are dead.
    static ORDERS: RefCell<(String, bool)> = const { RefCell::new((String::new(), false)) };
}

static MADE: AtomicU64 = AtomicU64::new(0);

fn happens(log: &str, event: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(log).expect("a log");
    file.write_all(format!("{event}\n").as_bytes()).expect("a line");
}

struct Kept {
    name: &'static str,
    log: String,
    number: u64,
}

impl Kept {
    fn new(name: &'static str) -> Kept {
        let log = ORDERS.with_borrow(|(log, _)| log.clone());
        happens(&log, &format!("{name} made"));
        Kept { name, log, number: MADE.fetch_add(1, Ordering::SeqCst) }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        happens(&self.log, &format!("{} closed", self.name));
    }
}

fn is_alive(value: &mut Kept) -> bool {
    happens(&value.log, &format!("{} checked", value.name));
    ORDERS.with_borrow(|(_, dead)| !dead)
}

#[multicore::resource(check = is_alive, reset = |value| { happens(&value.log, "db reset"); true })]
fn db() -> Result<Kept, String> {
    Ok(Kept::new("db"))
}

#[multicore::resource(max_age = "0s")]
fn brief() -> Kept {
    Kept::new("brief")
}

#[multicore::resource]
fn base() -> Kept {
    Kept::new("base")
}

#[multicore::resource]
fn upper() -> Kept {
    drop(base::get());
    Kept::new("upper")
}

#[multicore::resource(client)]
fn ours() -> Kept {
    Kept::new("ours")
}

/// Borrows it, and fails where it is told to; which one it was.
#[multicore::task]
fn turn(log: &str, dead: bool, end: &str) -> Result<(u32, u64), String> {
    ORDERS.set((log.to_owned(), dead));
    let guard = db::get()?;
    match end {
        "error" => Err(end.to_owned()),
        "panic" => panic!("{end}"),
        _ => Ok((std::process::id(), guard.number)),
    }
}

#[multicore::task]
fn each_brief(log: &str, times: u64) -> HashSet<u64> {
    ORDERS.set((log.to_owned(), false));
    (0..times).map(|_| brief::with(|value| value.number)).collect()
}

#[multicore::task]
fn tower(log: &str, replace: bool) {
    ORDERS.set((log.to_owned(), false));
    drop((upper::get(), db::get()));
    if replace {
        multicore::ResourceGuard::discard(base::get());
    }
}

/// What was written down since this was asked last.
fn events(stage: &Stage) -> Vec<String> {
    let text = fs::read_to_string(stage.file("log")).unwrap_or_default();
    let _ = fs::remove_file(stage.file("log"));
    text.lines().map(str::to_owned).collect()
}

fn pool_of_one(stage: &Stage) -> Pool {
    stage.config().workers(1).build().unwrap()
}

fn end<R: 'static>(pool: &Pool, call: multicore::Call<'_, R>) -> multicore::Result<R> {
    pool.spawn(call).and_then(Handle::get)
}

pub(crate) fn a_value_is_kept_from_call_to_call_and_closed_at_the_end(stage: &Stage) {
    let (pool, log) = (pool_of_one(stage), stage.file("log"));
    let first = end(&pool, turn::call(&log, false, "")).unwrap().unwrap();
    assert_eq!(first.0 == std::process::id(), !stage.is(Backend::Processes));
    for _ in 0..3 {
        assert_eq!(end(&pool, turn::call(&log, false, "")).unwrap(), Ok(first));
    }
    assert_eq!(events(stage), ["db made", "db reset", "db reset", "db reset", "db reset"]);
    drop(pool);
    assert_eq!(events(stage), ["db closed"], "it is over once the pool is");
}

pub(crate) fn what_a_failed_call_borrowed_is_checked(stage: &Stage) {
    let (pool, log) = (pool_of_one(stage), stage.file("log"));
    for end_of_call in ["error", "panic"] {
        let failed = end(&pool, turn::call(&log, false, end_of_call));
        assert!(matches!(failed, Ok(Err(_)) | Err(Error::Panicked { .. })), "{failed:?}");
        end(&pool, turn::call(&log, true, "")).unwrap().unwrap();
        let replaced = ["db made", "db reset", "db checked", "db closed", "db made", "db reset"];
        assert_eq!(events(stage), replaced, "{end_of_call}");
        end(&pool, turn::call(&log, false, "error")).unwrap().unwrap_err();
        end(&pool, turn::call(&log, false, "")).unwrap().unwrap();
        assert_eq!(events(stage), ["db reset", "db checked", "db reset"], "{end_of_call}");
        // The next round begins without one.
        end(&pool, turn::call(&log, false, "error")).unwrap().unwrap_err();
        end(&pool, tower::call(&log, false)).unwrap();
        pool.spawn(discard::call()).unwrap().get().unwrap();
        events(stage);
    }
}

#[multicore::task]
fn discard() {
    db::get().map(multicore::ResourceGuard::discard).unwrap();
}

pub(crate) fn a_value_of_age_zero_is_for_one_call(stage: &Stage) {
    let (pool, log) = (pool_of_one(stage), stage.file("log"));
    let numbers: HashSet<_> = (0..4).flat_map(|_| end(&pool, each_brief::call(&log, 3)).unwrap()).collect();
    assert_eq!(numbers.len(), 4);
    assert_eq!(events(stage), ["brief made", "brief closed"].repeat(4));
}

pub(crate) fn values_end_in_reverse_order_and_with_what_they_need(stage: &Stage) {
    let (pool, log) = (pool_of_one(stage), stage.file("log"));
    end(&pool, tower::call(&log, true)).unwrap();
    end(&pool, tower::call(&log, false)).unwrap();
    let again = ["base made", "upper made", "db reset"];
    let replaced = ["base made", "upper made", "db made", "upper closed", "base closed", "db reset"];
    assert_eq!(events(stage), [&replaced[..], &again[..]].concat());
    drop(pool);
    assert_eq!(events(stage), ["upper closed", "base closed", "db closed"]);
}

pub(crate) fn the_clients_own_threads_are_refused_unless_it_may(stage: &Stage) {
    let log = stage.file("log");
    ORDERS.set((log.clone(), false));
    assert!(matches!(db::try_get(), Err(ResourceError::NotInWorker { .. })));
    let own = ours::with(|value| value.number);
    let other = thread::spawn(move || {
        ORDERS.set((log, false));
        ours::get().number
    });
    assert_ne!(other.join().unwrap(), own);
    assert_eq!(ours::get().number, own);
    // A pool's end is none of its business.
    pool_of_one(stage).shutdown();
    assert_eq!(ours::get().number, own);
    multicore::ResourceGuard::discard(ours::get());
    assert_eq!(events(stage), ["ours made", "ours made", "ours closed", "ours closed"]);
}

pub(crate) fn each_worker_has_one_and_counts_its_uses(stage: &Stage) {
    let (pool, log) = (stage.config().build().unwrap(), stage.file("log"));
    let calls: Vec<_> = (0..20).map(|_| turn::call(&log, false, "")).collect();
    let numbers: HashSet<_> = pool.map(calls).map(|outcome| outcome.unwrap().unwrap()).collect();
    let made = numbers.len() as u64;
    let counts = |pool: &Pool| {
        let ResourceStats { made, reused, checked, replaced, .. } = pool.stats().resources();
        [made, reused, checked, replaced]
    };
    assert!((1..=2).contains(&made), "{numbers:?}");
    assert_eq!(counts(&pool), [made, 20 - made, 0, 0]);
    let own = pool_of_one(stage);
    end(&own, turn::call(&log, false, "error")).unwrap().unwrap_err();
    end(&own, turn::call(&log, false, "")).unwrap().unwrap();
    end(&own, each_brief::call(&log, 2)).unwrap();
    assert_eq!(counts(&own), [2, 2, 1, 1]);
    assert_eq!(counts(&pool), [made, 20 - made, 0, 0]);
}

/// Which its end closes, or the pool's, if that thread ends it.
pub(crate) fn each_thread_that_calls_has_its_own(stage: &Stage) {
    let (pool, log) = (pool_of_one(stage), stage.file("log"));
    let own = end(&pool, turn::call(&log, false, "")).unwrap().unwrap();
    let others: HashSet<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| end(&pool, turn::call(&log, false, "")).unwrap().unwrap()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(others.len() == 3 && !others.contains(&own), "{others:?}");
    eventually(|| {
        let text = fs::read_to_string(&log).unwrap();
        text.matches("db closed").count() == 3
    });
    events(stage);
    drop(pool);
    assert_eq!(events(stage), ["db closed"]);
}
