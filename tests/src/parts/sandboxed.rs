//! Programs with sandboxed pools.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use multicore::{Config, Error, Handle, Pool, Sandbox};
use nix::sys::resource::{Resource, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::fixture::in_family;
use crate::tasks;
use crate::watch::eventually;

fn pool(sandbox: Sandbox) -> Config {
    in_family(Pool::builder().workers(2).sandbox(sandbox))
}

/// One of the parts below.
///
/// # Panics
/// When there is none of that name.
pub fn play(method: &str, what: &str) {
    match what {
        "beside-others" => beside_others(method),
        "hold" => hold(),
        "few-descriptors" => few_descriptors(),
        "inline" => inline(),
        "no-landlock" => lacks(libc::SYS_landlock_create_ruleset, None, Sandbox::new().without_landlock()),
        "no-seccomp" => lacks(libc::SYS_seccomp, None, Sandbox::new().without_seccomp()),
        "landlock-fails" => {
            lacks(libc::SYS_landlock_restrict_self, None, Sandbox::new().without_landlock());
        }
        "seccomp-fails" => {
            let sets = u64::from(libc::SECCOMP_SET_MODE_FILTER);
            lacks(libc::SYS_seccomp, Some(sets), Sandbox::new().without_seccomp());
        }
        other => panic!("no such part: {other}"),
    }
}

static SECRET: AtomicU64 = AtomicU64::new(0);

/// What a static of the program is in a worker.
#[multicore::task]
fn secret() -> u64 {
    SECRET.load(Relaxed)
}

/// A sandboxed pool in a program that starts its others by this method.
fn beside_others(method: &str) {
    SECRET.store(42, Relaxed);
    super::open(method);
    let pool = pool(Sandbox::new()).build().unwrap();
    let ask = |pool: &Pool| pool.spawn(secret::call()).and_then(Handle::get).unwrap();
    println!("{:?} {} {}", pool.start_method(), secret::call().get().unwrap(), ask(&pool));
    let again = Pool::builder().workers(1).build().unwrap();
    println!("{:?} {}", again.start_method(), ask(&again));
}

/// Has calls running and queued in a sandboxed pool, says so, and waits.
fn hold() {
    let pool = pool(Sandbox::new()).build().unwrap();
    let running = [(); 2].map(|()| pool.spawn(tasks::nap::call(600_000)).unwrap());
    let queued: Vec<_> = (0..10).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
    eventually("both workers are at it", || pool.state().workers.iter().all(|worker| worker.task.is_some()));
    println!("ready");
    let [one, two] = running.map(Handle::get);
    panic!("{one:?} {two:?} {queued:?}");
}

/// Under `ulimit -n 64`, and under one that leaves no room.
fn few_descriptors() {
    setrlimit(Resource::RLIMIT_NOFILE, 64, 64).expect("a lower limit");
    let pool = pool(Sandbox::new()).workers(8).build().unwrap();
    let handles: Vec<_> = (0..500).map(|n| pool.spawn(tasks::square::call(n)).unwrap()).collect();
    for (n, handle) in (0..).zip(handles) {
        assert_eq!(handle.get().unwrap(), n * n);
    }
    drop(pool);
    setrlimit(Resource::RLIMIT_NOFILE, 20, 20).expect("a lower limit");
    let none = in_family(Pool::builder().workers(20).sandbox(Sandbox::new())).build().unwrap();
    // As many workers as there is room for.
    println!("{:?}", none.spawn(tasks::square::call(7)).unwrap().get());
}

/// `MULTICORE_BACKEND=inline`, set by whoever started this.
fn inline() {
    println!("{}", pool(Sandbox::new()).build().unwrap_err());
    let other = Pool::builder().build().unwrap();
    println!("{}", other.spawn(tasks::square::call(3)).unwrap().get().unwrap());
}

/// On a kernel that refuses this call, where its first argument is this: with the sandbox, and with the
/// smaller one.
fn lacks(call: libc::c_long, first: Option<u64>, smaller: Sandbox) {
    let condition = first.map(|value| {
        let equal = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value).unwrap();
        SeccompRule::new(vec![equal]).unwrap()
    });
    let rules = [(call, condition.into_iter().collect())].into();
    let refused = SeccompAction::Errno(libc::EOPNOTSUPP as u32);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch).unwrap();
    seccompiler::apply_filter(&BpfProgram::try_from(filter).unwrap()).expect("a filter");
    let built = pool(Sandbox::new()).build();
    match built.and_then(|pool| pool.spawn(tasks::square::call(3))?.get()) {
        Err(error @ (Error::Os { .. } | Error::RestartLimit { .. })) => println!("{error}"),
        other => println!("{other:?}"),
    }
    let pool = pool(smaller).build().unwrap();
    println!("{}", pool.spawn(tasks::square::call(3)).unwrap().get().unwrap());
}
