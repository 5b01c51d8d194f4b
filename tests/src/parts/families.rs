//! How a client begins and ends.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use multicore::{Config, Handle, Pool, Start};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::open;
use crate::{procfs, tasks, wild};

/// Has calls running and queued on two pools, one with a child of its own, says so, and waits.
pub fn hold(method: &str, folder: &str) {
    open(method);
    let other = Pool::builder().workers(1).build().unwrap();
    let one = tasks::announce::call(&format!("{folder}/one"), 600_000).spawn().unwrap();
    let two = tasks::breed::call(&format!("{folder}/two")).spawn().unwrap();
    let three = other.spawn(tasks::announce::call(&format!("{folder}/three"), 600_000)).unwrap();
    let queued: Vec<_> = (0..10).map(|n| tasks::square::call(n).spawn().unwrap()).collect();
    println!("ready");
    let ends = (one.get(), two.get(), three.get());
    panic!("{ends:?} {queued:?}");
}

/// Returns from main with calls running, queued and detached.
pub fn leave(method: &str) {
    open(method);
    assert_eq!(tasks::square::call(3).get().unwrap(), 9);
    drop(tasks::nap::call(600_000).spawn().unwrap());
    let handle = tasks::nap::call(600_000).spawn().unwrap();
    let queued: Vec<_> = (0..10).map(|n| tasks::square::call(n).spawn().unwrap()).collect();
    assert!(!handle.is_finished());
    drop(queued);
    println!("leaving");
}

/// Panics in main, over a pool of its own.
pub fn panic(method: &str) {
    open(method);
    let _pool = Pool::builder().workers(1).build().unwrap();
    let handle = tasks::nap::call(600_000).spawn().unwrap();
    assert!(handle.is_finished(), "this is the end");
}

/// Calls once more behind the end of its pools, when hardly anything is left of the program.
pub fn late(method: &str) {
    // Whatever is registered first runs last.
    wild::at_exit(call_late);
    open(method);
    let other = Pool::builder().workers(1).build().unwrap();
    assert_eq!(tasks::square::call(3).get().unwrap(), 9);
    drop(tasks::nap::call(600_000).spawn().unwrap());
    std::mem::forget(other);
}

/// Calls for the first time when the program is at its end.
pub fn later(method: &str) {
    if method == "fork" {
        multicore::initialize_with(Config::new().workers(1).start(Start::Fork)).expect("the default pool");
        multicore::shutdown();
    }
    wild::at_exit(call_on_a_new_pool);
}

extern "C" fn call_late() {
    println!("{:?}", tasks::square::call(4).get());
}

extern "C" fn call_on_a_new_pool() {
    let pool = Pool::builder().workers(1).build();
    println!("{:?}", pool.and_then(|pool| pool.spawn(tasks::square::call(4))?.get()));
}

/// Another thread ends the program while main waits.
pub fn exit(method: &str) {
    open(method);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            std::process::exit(7);
        });
        // Main may still see that the pool is closed, and must not come to its own end.
        match tasks::nap::call(600_000).get() {
            Err(multicore::Error::Closed) => thread::sleep(Duration::from_secs(60)),
            other => panic!("{other:?}"),
        }
    });
}

/// Prints without a newline before its first call; a worker prints too.
pub fn print(method: &str) {
    print!("before ");
    open(method);
    print!("after ");
    assert_eq!(tasks::square::call(3).get().unwrap(), 9);
    say::call("worker ").get().unwrap();
    multicore::shutdown();
    print!("end");
    std::io::stdout().flush().unwrap();
}

/// Prints without a newline.
#[multicore::task]
fn say(text: &str) {
    print!("{text}");
}

/// A worker prints in Rust and in C, and is killed.
pub fn print_and_die(method: &str) {
    open(method);
    assert!(say_and_die::call().get().is_err());
    println!("client");
}

/// Prints lines and half of one, and is gone.
#[multicore::task]
fn say_and_die() {
    println!("rust");
    wild::print_in_c(c"c");
    println!("more rust");
    wild::print_in_c(c"more c");
    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
}

/// What workers find where the client has something to read.
pub fn input(method: &str) {
    open(method);
    println!("{}", tasks::read_stdin::call().get().unwrap().len());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    print!("{line}");
}

/// Becomes a background process once it has a pool; its child goes on without it.
pub fn outlive(method: &str) {
    open(method);
    assert_eq!(tasks::square::call(3).get().unwrap(), 9);
    let client = Pid::this();
    wild::fork(move || {
        crate::watch::eventually("the client is gone", || nix::unistd::getppid() != client);
        let pool = Pool::builder().workers(2).build();
        let square = pool.and_then(|pool| pool.spawn(tasks::square::call(5))?.get());
        println!("{square:?} {:?}", tasks::square::call(6).get());
        multicore::shutdown();
        0
    });
}

/// A child of its child has a pool, and then no child of its own any more.
pub fn generations(method: &str) {
    open(method);
    assert_eq!(tasks::square::call(3).get().unwrap(), 9);
    let child = wild::fork(|| {
        assert_eq!(tasks::square::call(4).get().unwrap(), 16);
        let grandchild = wild::fork(|| {
            for n in 5..7 {
                let pool = Pool::builder().workers(1).build().unwrap();
                println!("{}", pool.spawn(tasks::square::call(n)).and_then(Handle::get).unwrap());
            }
            println!("{:?}", procfs::children(std::process::id() as i32));
            0
        });
        let status = waitpid(Pid::from_raw(grandchild), None);
        multicore::shutdown();
        i32::from(!matches!(status, Ok(WaitStatus::Exited(_, 0))))
    });
    assert!(matches!(waitpid(Pid::from_raw(child), None), Ok(WaitStatus::Exited(_, 0))));
}

/// Leaves a descriptor open for workers, and another not.
pub fn keep(method: &str) {
    let start = if method == "fork" { Start::Fork } else { Start::Exec };
    // Close-on-exec, as everything that the standard library opens.
    let (mut reader, kept) = std::io::pipe().unwrap();
    let [_, lost] = wild::inheritable_pipe();
    let config = Config::new().workers(2).start(start).keep_fds([kept.as_raw_fd()]);
    multicore::initialize_with(config).expect("the default pool");
    let write = |number, text| tasks::write_to::call(number, text).get().unwrap();
    let done = (write(kept.as_raw_fd(), "kept"), write(lost.as_raw_fd(), "lost"));
    multicore::shutdown();
    drop(kept);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    println!("{done:?} {text}");
}
