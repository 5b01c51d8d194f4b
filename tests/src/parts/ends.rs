//! Clients that do what a pool might not expect of them.

use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use multicore::{Error, Handle, Pool};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::start;
use crate::procfs::{self, Stat};
use crate::rig::Rig;
use crate::watch::eventually;
use crate::{tasks, wild};

/// Calls, ends calls and loses its supervisor; nothing of that needs a right over another user's
/// processes.
fn uses(rig: &Rig) {
    let outcome = |call| rig.pool.spawn(call).and_then(Handle::get);
    assert_eq!(outcome(tasks::square::call(7)).unwrap(), 49);
    for supervisors in 0..2 {
        let late = outcome(tasks::nap::call(600_000).timeout(Duration::from_millis(20)));
        assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
        let handle = rig.pool.spawn(tasks::nap::call(600_000)).unwrap();
        handle.cancel();
        assert!(matches!(handle.get(), Err(Error::Cancelled { .. })));
        let died = outcome(tasks::raise::call(libc::SIGKILL));
        assert!(matches!(died, Err(Error::Died { started: true, .. })), "{died:?}");
        if supervisors == 0 {
            let died = rig.pool.spawn(kill_parent::call()).and_then(Handle::get);
            assert!(matches!(died, Err(Error::Died { started: true, .. })), "{died:?}");
        }
    }
    rig.check();
}

/// Ends its supervisor, and with it itself.
#[multicore::task]
fn kill_parent() {
    kill(nix::unistd::getppid(), Signal::SIGKILL).expect("of the same user");
    thread::sleep(Duration::from_secs(600));
}

fn no_zombie_is_left() {
    eventually("all dead processes are collected", || !procfs::own_family().iter().any(Stat::is_zombie));
}

/// Has handlers that write to a pipe, as event loops do; whatever comes is seen at its other end.
///
/// # Panics
/// When a signal comes that was meant for another process.
pub fn handlers(method: &str) {
    let mut caught = wild::catch(&[Signal::SIGTERM, Signal::SIGCHLD, Signal::SIGINT, Signal::SIGHUP]);
    start(method);
    // A grace that nobody would wait for: SIGTERM alone has to do it.
    let rig = Rig::with(Pool::builder().workers(2).grace(Duration::from_secs(600)));
    let late = rig.pool.spawn(tasks::nap::call(600_000).timeout(Duration::from_millis(50)));
    assert!(matches!(late.and_then(Handle::get), Err(Error::TimedOut { .. })));
    let died = rig.pool.spawn(tasks::raise::call(libc::SIGTERM)).and_then(Handle::get);
    assert!(matches!(died, Err(Error::Died { .. })), "{died:?}");
    for process in rig.workers().into_iter().chain([rig.supervisor()]) {
        kill(Pid::from_raw(process.pid), Signal::SIGINT).unwrap();
    }
    rig.check();
    no_zombie_is_left();
    let mut signals = [0; 64];
    let nothing = caught.read(&mut signals).map_err(|error| error.kind());
    assert_eq!(nothing, Err(std::io::ErrorKind::WouldBlock), "{signals:?}");
    // A child's end is the client's own business: an exec'd supervisor's, and not a forked one's.
    rig.end();
    let ends = caught.read(&mut signals).unwrap_or(0);
    let expected: &[u8] = if method == "exec" { &[libc::SIGCHLD as u8] } else { &[] };
    assert_eq!(&signals[..ends], expected);
    // Its own it gets.
    kill(Pid::this(), Signal::SIGTERM).unwrap();
    assert_eq!((caught.read(&mut signals).unwrap(), signals[0]), (1, libc::SIGTERM as u8));
    println!("heard");
}

/// A thread takes the end of every child there is, as soon as it comes, also of those that no plain
/// `wait` sees; and the client has children of its own.
pub fn waits(method: &str) {
    start(method);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(SeqCst) {
                match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
                    Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => thread::yield_now(),
                    Ok(_) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
        for _ in 0..3 {
            let rig = Rig::new(2);
            uses(&rig);
            rig.end();
        }
        over.store(true, SeqCst);
    });
    no_zombie_is_left();
    println!("waited");
}

/// Becomes another user before its first pool, between two, or with one.
pub fn user(method: &str, when: &str) {
    let change = || wild::become_user(60_000 + std::process::id() % 5000);
    if when == "before" {
        change();
    }
    start(method);
    let mut rig = Rig::new(2);
    uses(&rig);
    match when {
        "before" => {}
        "between" => {
            rig.end();
            change();
            rig = Rig::new(2);
        }
        "after" => change(),
        other => panic!("no such moment: {other}"),
    }
    uses(&rig);
    rig.end();
    multicore::shutdown();
    no_zombie_is_left();
    println!("used");
}

/// Closes its standard descriptors before the first pool, and goes on printing into nothing.
pub fn closed(method: &str, path: &str) {
    for number in 0..3 {
        wild::close(number);
    }
    // Where a panic would be seen.
    let complaints = path.to_owned();
    std::panic::set_hook(Box::new(move |panic| drop(std::fs::write(&complaints, panic.to_string()))));
    start(method);
    let rig = Rig::new(2);
    // Into a closed descriptor, unless one of ours has taken its place.
    println!("nothing that a supervisor would understand");
    eprintln!("nor this");
    uses(&rig);
    let workers_own = rig.pool.spawn(standard_descriptors::call()).and_then(Handle::get).unwrap();
    assert!(workers_own.iter().all(|file| file == "/dev/null"), "{workers_own:?}");
    rig.end();
    std::fs::write(path, "worked").expect("a folder");
}

/// What a worker has for standard descriptors.
#[multicore::task]
fn standard_descriptors() -> Vec<String> {
    let target = |number| std::fs::read_link(format!("/proc/self/fd/{number}")).expect("it is open");
    (0..3).map(|number| target(number).to_string_lossy().into_owned()).collect()
}

/// Somebody kills the process that supervisors are forked from.
pub fn template() {
    start("fork");
    let rig = Rig::new(2);
    let own = std::process::id() as i32;
    let named = |part: &str| procfs::children(own).into_iter().find(|child| child.name.contains(part));
    let template = named(": temp").expect("a template");
    kill(Pid::from_raw(template.pid), Signal::SIGKILL).unwrap();
    eventually("the template is dead", || !template.lives());
    // A pool that is there goes on, and whoever waits for a call collects the dead.
    let handle = rig.pool.spawn(tasks::nap::call(300)).unwrap();
    assert_eq!(handle.get().unwrap(), 300);
    rig.check();
    no_zombie_is_left();
    let refused = Pool::builder().workers(1).build().unwrap_err();
    assert!(matches!(&refused, Error::Config { what, .. } if what == "start"), "{refused:?}");
    // Without its supervisor the pool cannot go on, and says so.
    let failed = rig.pool.spawn(kill_parent::call()).and_then(Handle::get).unwrap_err();
    assert!(matches!(&failed, Error::Died { .. } | Error::RestartLimit { .. }), "{failed:?}");
    let failed = rig.pool.spawn(tasks::square::call(2)).map(drop).unwrap_err();
    assert!(matches!(&failed, Error::RestartLimit { .. }), "{failed:?}");
    println!("{refused}\n{failed}");
    drop(rig);
    multicore::shutdown();
    no_zombie_is_left();
    assert_eq!(procfs::own_family().len(), 1, "nobody but this process is left");
}

/// Dies of a bad store in a worker whose core dump has no limit; how large the dump is, in bytes of the
/// file and bytes of disk.
pub fn core(method: &str) {
    use std::os::unix::fs::MetadataExt;
    nix::sys::resource::setrlimit(
        nix::sys::resource::Resource::RLIMIT_CORE,
        libc::RLIM_INFINITY,
        libc::RLIM_INFINITY,
    )
    .expect("no limit");
    start(method);
    let rig = Rig::with(Pool::builder().workers(1).slots(64).payload_limit(16 << 30));
    // Pages of the region that a dump would have.
    assert_eq!(rig.pool.spawn(tasks::zeroes::call(64 << 20)).and_then(Handle::get).unwrap().len(), 64 << 20);
    let died = rig.pool.spawn(wild::bad_store::call()).and_then(Handle::get).unwrap_err();
    assert!(matches!(died, Error::Died { started: true, .. }), "{died:?}");
    rig.end();
    for entry in std::fs::read_dir(".").expect("the folder").flatten() {
        let data = entry.metadata().expect("a file");
        println!("{} {} {}", entry.file_name().to_string_lossy(), data.len(), data.blocks() * 512);
    }
}
