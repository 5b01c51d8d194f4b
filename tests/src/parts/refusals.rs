//! A client whose kernel refuses some calls.

use std::os::fd::AsRawFd;

use multicore::{Error, Handle, Pool};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::start;
use crate::belongings::Belongings;
use crate::procfs;
use crate::wild::refusal;
use crate::{payload, tasks};

/// Tells what became of a step.
fn tell<T>(step: &str, outcome: &multicore::Result<T>) {
    match outcome {
        Ok(_) => println!("{step}: ok"),
        Err(error) => println!("{step}: {} {error}", name(error)),
    }
}

fn name(error: &Error) -> &'static str {
    match error {
        Error::Os { .. } => "Os",
        Error::Died { .. } => "Died",
        Error::RestartLimit { .. } => "RestartLimit",
        Error::Config { .. } => "Config",
        Error::TimedOut { .. } => "TimedOut",
        Error::Decode { .. } => "Decode",
        _ => "another",
    }
}

/// Waits until the test has changed what the kernel does.
fn pause(what: &str) {
    println!("{what}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("the test goes on");
}

fn listen(calls: &str) {
    let calls: Vec<i64> = calls.split(',').map(|call| call.parse().expect("a number")).collect();
    match refusal::ask(&calls) {
        Ok(listener) => {
            pause(&format!("{}", listener.as_raw_fd()));
            // The test has a copy, and the pools' processes close theirs.
            drop(listener);
        }
        Err(error) => {
            println!("unavailable: {error}");
            std::process::exit(0);
        }
    }
}

fn call(pool: &Pool) -> multicore::Result<()> {
    // More than a page, so that windows grow.
    let sent = payload::bytes(1, 100_000);
    let back = pool.spawn(tasks::exchange::call(1, sent, 2, 90_000)).and_then(Handle::get)?;
    payload::check(&back, 2, 90_000);
    Ok(())
}

/// What this process has. The template, a forked child with two descriptors, is no pool's.
fn own(method: &str) -> Belongings {
    let mut own = Belongings::now();
    let children = procfs::children(std::process::id() as i32);
    if method == "fork" && children.iter().any(|child| !child.is_zombie()) {
        own.children -= 1;
        own.relatives -= 1;
        own.descriptors -= 2;
    }
    own
}

fn check_nothing_is_left(method: &str, before: &Belongings) {
    let mut now = own(method);
    crate::watch::eventually(&format!("{before:?} again, not {now:?}"), || {
        now = own(method);
        now == *before
    });
}

/// Makes pools from the start under a kernel that refuses `calls`, and once more when it no longer does.
pub fn from_the_start(method: &str, calls: &str) {
    listen(calls);
    let before = own(method);
    let begun = if method == "fork" { multicore::initialize() } else { Ok(()) };
    tell("initialize", &begun);
    let pool = begun.and_then(|()| Pool::builder().workers(2).build());
    tell("build", &pool);
    if let Ok(pool) = pool {
        tell("call", &call(&pool));
        drop(pool);
    }
    multicore::shutdown();
    check_nothing_is_left(method, &before);
    pause("refused");
    start(method);
    tell("another", &Pool::builder().workers(2).build().and_then(|pool| call(&pool)));
    multicore::shutdown();
    check_nothing_is_left(method, &before);
    println!("nothing left");
}

/// Has a pool under a kernel that begins to refuse `calls`: what it can do from what it has, and what after
/// a worker or the supervisor died; and once more when the kernel no longer refuses.
pub fn later(method: &str, calls: &str) {
    listen(calls);
    start(method);
    multicore::shutdown();
    Pool::builder().workers(1).build().and_then(|pool| call(&pool)).expect("all is well");
    let before = own(method);
    let pool = Pool::builder().workers(2).build().expect("a pool");
    call(&pool).expect("all is well");
    let supervisor = pool.spawn(tasks::parent::call()).and_then(Handle::get).expect("all is well");
    // In the slot whose windows have pages, so that the calls that follow need some.
    let held = pool.spawn(tasks::parent::call()).expect("all is well");
    crate::watch::eventually("it is finished", || held.is_finished());
    pause("alive");
    tell("call", &call(&pool));
    for _ in 0..2 {
        tell("death", &pool.spawn(tasks::raise::call(libc::SIGKILL)).and_then(Handle::get));
    }
    tell("bereft", &call(&pool));
    let limit = std::time::Duration::from_millis(20);
    tell("deadline", &pool.spawn(tasks::nap::call(600_000).timeout(limit)).and_then(Handle::get));
    // Gone already where no worker could be forked.
    let _ = kill(Pid::from_raw(supervisor), Signal::SIGKILL);
    let is_dead = || procfs::stat(supervisor).is_none_or(|stat| stat.is_zombie());
    crate::watch::eventually("the supervisor is dead", is_dead);
    tell("orphaned", &call(&pool));
    tell("build", &Pool::builder().workers(1).build().and_then(|pool| call(&pool)));
    pause("refused");
    tell("again", &call(&pool));
    drop(held);
    drop(pool);
    tell("another", &Pool::builder().workers(1).build().and_then(|pool| call(&pool)));
    multicore::shutdown();
    check_nothing_is_left(method, &before);
    println!("nothing left");
}

/// Has a pool under a kernel that begins to refuse `calls`, and shares data with it; and once more when the
/// kernel no longer refuses.
pub fn shared(method: &str, calls: &str) {
    listen(calls);
    start(method);
    multicore::shutdown();
    let before = own(method);
    let pool = Pool::builder().workers(1).build().expect("a pool");
    call(&pool).expect("all is well");
    let data = multicore::share(vec![1; 1000]).expect("memory");
    let sum = || pool.spawn(tasks::sum::call(&data)).and_then(Handle::get);
    pause("alive");
    tell("sum", &sum());
    pause("refused");
    tell("another", &sum());
    drop((pool, data));
    check_nothing_is_left(method, &before);
    println!("nothing left");
}
