//! What the environment, the kernel and the program's own mistakes change.

use std::thread;

use multicore::{Config, Error, Pool, Start, Task};
use nix::sys::resource::{Resource, setrlimit};

use super::open;
use crate::{payload, tasks, wild};

/// Sets a limit of the kernel's, then calls.
pub fn limit(method: &str, resource: &str, value: &str) {
    let resource = match resource {
        "as" => Resource::RLIMIT_AS,
        "fsize" => Resource::RLIMIT_FSIZE,
        "nofile" => Resource::RLIMIT_NOFILE,
        other => panic!("no such limit: {other}"),
    };
    let value = value.parse().expect("a number");
    setrlimit(resource, value, value).expect("a lower limit");
    let start = if method == "fork" { Start::Fork } else { Start::Exec };
    match multicore::initialize_with(Config::new().workers(2).start(start)) {
        Err(error) => return println!("{error}"),
        Ok(()) => assert_eq!(tasks::square::call(7).get().unwrap(), 49),
    }
    match Pool::builder().workers(2).build() {
        Err(error) => println!("{error}"),
        Ok(pool) => {
            let sent = payload::bytes(1, 100_000);
            match pool.spawn(tasks::exchange::call(1, sent, 2, 90_000)).and_then(multicore::Handle::get) {
                Ok(back) => payload::check(&back, 2, 90_000),
                Err(error) => println!("{error}"),
            }
            println!("limit {}", pool.payload_limit());
        }
    }
}

/// What the variables make of the default pool and of one of its own.
pub fn settings(method: &str) {
    if method == "fork" {
        super::start(method);
    }
    match tasks::whoami::call().get() {
        Ok(pid) if pid == std::process::id() as i32 => println!("inline"),
        Ok(_) => println!("worker"),
        Err(error) => println!("{error}"),
    }
    match Pool::builder().build() {
        Ok(pool) => {
            println!("{} {} {:?}", pool.workers(), pool.payload_limit(), pool.start_method());
            let task = Task::<u64>::try_new();
            println!("{}", if task.is_some() { "allowed" } else { "refused" });
        }
        Err(error) => println!("{error}"),
    }
}

/// What becomes of six calls of one task and one of another, where `MULTICORE_FAULT` says something.
pub fn faults(method: &str) {
    if let Err(error) = multicore::initialize_with(Config::new().workers(2).start(if method == "fork" {
        Start::Fork
    } else {
        Start::Exec
    })) {
        return println!("{error}");
    }
    let told = |outcome: multicore::Result<u64>| match outcome {
        Ok(value) => value.to_string(),
        Err(Error::Died { exit, .. }) => exit.to_string(),
        Err(Error::TimedOut { .. }) => "timed out".to_owned(),
        Err(Error::Panicked { message, .. }) => message,
        Err(other) => format!("{other:?}"),
    };
    let second = std::time::Duration::from_secs(1);
    let mut lines: Vec<_> = (0..6)
        .map(|n| told(tasks::square::call(n).timeout(second).retries(u32::from(n == 5)).get()))
        .collect();
    lines.push(told(tasks::nap::call(1).get()));
    println!("{}", lines.join(", "));
}

/// Has more memory than its workers may have; forked ones begin with all of it.
pub fn little_data(method: &str) {
    let ballast = vec![1u8; 64 << 20];
    let start = if method == "fork" { Start::Fork } else { Start::Exec };
    multicore::initialize_with(Config::new().workers(1).start(start)).expect("the default pool");
    let pool = Pool::builder().workers(1).data_limit(32 << 20).build();
    match pool.and_then(|pool| pool.spawn(tasks::square::call(7))?.get()) {
        Ok(square) => println!("{square}"),
        Err(error) => println!("{error}"),
    }
    drop(ballast);
}

/// A limit that the kernel refuses to a user like this. Only root may become one.
pub fn refused_limit(method: &str) {
    let start = if method == "fork" { Start::Fork } else { Start::Exec };
    wild::become_user(60_000 + std::process::id() % 5000);
    multicore::initialize_with(Config::new().workers(1).start(start)).expect("the default pool");
    let pool = Pool::builder().workers(1).niceness(-5).build();
    match pool.and_then(|pool| pool.spawn(tasks::square::call(7))?.get()) {
        Ok(square) => println!("{square}"),
        Err(error) => println!("{error}"),
    }
}

fn here(pids: &[i32]) -> bool {
    pids.iter().all(|pid| *pid == std::process::id() as i32)
}

/// The load guard, with a load of its own.
///
/// # Panics
/// When it decides wrongly.
pub fn guard() {
    let pool = Pool::builder().workers(1).build().unwrap();
    let task = |share| Task::<u64>::with_max_load_average(share).is_some();
    let par = |share| {
        let pids = multicore::par_ranges!(0..4, tasks::ran_in, pool = &pool, max_load_average = share);
        pids.map(|pids| here(&pids))
    };
    multicore::set_load_source(|| 0.5);
    assert!(task(0.85) && task(0.5) && !task(0.49) && !task(0.0) && task(10.0));
    assert!(!par(0.85).unwrap() && par(0.49).unwrap());
    multicore::set_load_source(|| 0.9);
    assert!(!task(0.85) && task(0.91));
    assert!(par(0.85).unwrap(), "above it the chunks run here");
    let isolated = multicore::par_ranges!(0..4, tasks::ran_isolated, pool = &pool, max_load_average = 0.85);
    assert!(matches!(isolated, Err(Error::Refused { .. })), "{isolated:?}");
    assert!(Task::<u64>::try_new().is_some(), "no threshold always allows");
    multicore::initialize_with(Config::new().workers(1).start(Start::Exec).max_load_average(0.8)).unwrap();
    assert!(Task::<u64>::try_new().is_none());
    multicore::set_load_source(|| 0.1);
    assert!(Task::<u64>::try_new().is_some());
    for share in [-0.1, f64::NAN, 85.0, f64::INFINITY] {
        assert!(std::panic::catch_unwind(|| task(share)).is_err(), "{share}");
        assert!(matches!(par(share), Err(Error::Config { .. })), "{share}");
        let built = Pool::builder().max_load_average(share).build();
        assert!(matches!(built, Err(Error::Config { .. })), "{share}");
    }
    println!("guarded");
}

/// `MULTICORE_BACKEND=inline` or `threads`, set by whoever started this.
///
/// # Panics
/// When anything runs elsewhere.
pub fn inline() {
    open("fork");
    let pool = Pool::builder().workers(3).build().unwrap();
    assert_eq!((pool.workers(), pool.start_method()), (3, None));
    assert!(here(&[tasks::whoami::call().get().unwrap()]));
    assert!(here(&multicore::par_ranges!(0..4, tasks::ran_isolated, pool = &pool).unwrap()));
    let limited = tasks::nap::call(1).timeout(std::time::Duration::from_secs(60)).retries(1).isolate();
    assert_eq!(pool.spawn(limited).unwrap().get().unwrap(), 1);
    let error = tasks::panic_literal::call().get().unwrap_err();
    assert!(matches!(&error, Error::Panicked { message, .. } if message == "a literal"), "{error:?}");
    let back = tasks::echo::call(b"here").try_spawn().unwrap().get().unwrap();
    assert_eq!(back, b"here");
    let threads = pool.backend() == multicore::Backend::Threads;
    assert_eq!(
        pool.stats() != multicore::Stats::default(),
        threads,
        "nothing is counted that its caller runs"
    );
    println!("inline, {} children", crate::procfs::children(std::process::id() as i32).len());
}

/// `initialize()` where another thread is.
pub fn threads() {
    let (stop, wait) = std::sync::mpsc::channel::<()>();
    let thread = thread::spawn(move || wait.recv().is_err());
    let refused = multicore::initialize().unwrap_err();
    println!("{refused}");
    assert!(matches!(refused, Error::Threads { count: 2, .. }), "{refused:?}");
    drop(stop);
    assert!(thread.join().unwrap());
    // The thread that has just ended may still be seen: that is waited for.
    println!("{:?} {}", multicore::initialize(), tasks::square::call(2).get().unwrap());
}

/// A program keeps to one method.
pub fn methods() {
    assert_eq!(tasks::square::call(2).get().unwrap(), 4);
    let first = Pool::builder().workers(1).build().unwrap().start_method();
    let other = Pool::builder().workers(1).start(Start::Fork).build().map(|_| ());
    println!("{first:?}\n{}", other.unwrap_err());
}

/// Has one task more than its workers: what is registered in `main` an exec'd process never sees.
pub fn strange(method: &str) {
    let own = |error: multicore::Result<u64>| match error {
        Err(Error::Registry { what, .. }) => println!("{what}"),
        other => println!("{other:?}"),
    };
    if method == "exec" {
        wild::register_stranger();
    }
    own(tasks::square::call(2).get());
    own(Pool::builder().build().map(|_| 0));
}

/// Under a limit on processes that leaves room for `extra` beside this one. Only root may.
pub fn no_processes(method: &str, extra: &str) {
    wild::become_user(60_000 + std::process::id() % 5000);
    let most = 1 + extra.parse::<u64>().expect("a number");
    setrlimit(Resource::RLIMIT_NPROC, most, most).expect("a lower limit");
    let start = if method == "fork" { Start::Fork } else { Start::Exec };
    let begun = multicore::initialize_with(Config::new().workers(2).start(start));
    match begun.and_then(|()| tasks::square::call(7).get()) {
        Ok(square) => println!("{square}"),
        Err(error) => println!("{error}"),
    }
}
