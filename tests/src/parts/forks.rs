//! Clients that fork children, and end in some way while these live.

use std::io::Write;
use std::process::Command;
use std::sync::atomic::Ordering::SeqCst;

use multicore::{Fork, fork};
use nix::sys::resource::{Resource, setrlimit};

use crate::fixture::Folder;
use crate::payload::Random;
use crate::wild::region::Region;
use crate::{tasks, wild};

/// Has a child with a child of its own, says so, and waits for ever.
pub fn hold(method: &str, folder: &str) {
    super::start(method);
    let path = format!("{folder}/child");
    let child = fork(|| tasks::announce(&path, 600_000)).expect("a fork");
    println!("ready");
    drop(child.join());
}

/// Ends, normally or by `exit`, with children that run, one of them without a handle; each holds the program's
/// output open, and so does what they started.
pub fn leave(method: &str, how: &str) {
    super::start(method);
    let folder = Folder::new();
    #[allow(clippy::zombie_processes, reason = "it ends with its group")]
    let fork_one = |name: &str| {
        let path = folder.file(name);
        let child = fork(|| {
            Command::new("sleep").arg("600").spawn().expect("a process");
            tasks::announce(&path, 600_000)
        });
        let child = child.expect("a fork");
        folder.process(name);
        child
    };
    let kept = fork_one("kept");
    drop(fork_one("dropped"));
    println!("left");
    drop(folder);
    if how == "exit" {
        std::process::exit(3);
    }
    drop(kept);
}

/// Prints in Rust and in C around a fork, without ends of lines.
pub fn print(method: &str) {
    super::start(method);
    print!("before ");
    wild::print_in_c(c"c before");
    let child = fork(|| {
        print!("child ");
        wild::print_in_c(c"c child");
        print!("last ");
    });
    child.expect("a fork").join().expect("no harm");
    let died = fork(|| {
        println!("dies");
        wild::print_in_c(c"c dies");
        std::process::abort()
    });
    let died: multicore::Result<u8> = died.expect("a fork").join();
    assert!(died.is_err());
    print!("after");
    std::io::stdout().flush().expect("output");
}

/// May have no further process.
pub fn no_processes() {
    wild::become_user(60_000 + std::process::id() % 5000);
    setrlimit(Resource::RLIMIT_NPROC, 1, 1).expect("a lower limit");
    println!("{}", fork(|| 1).map(drop).expect_err("no process is left"));
}

/// May have ever more descriptors, from those that it has.
pub fn no_descriptors() {
    for most in 3..12 {
        setrlimit(Resource::RLIMIT_NOFILE, most, 1024).expect("a lower limit");
        let outcome = fork(|| 7).and_then(multicore::Forked::join);
        match outcome {
            Ok(7) => println!("forked"),
            Ok(other) => panic!("{other}"),
            Err(error) => println!("{error}"),
        }
    }
}

/// May have no further pending signal, as a timer is one.
pub fn no_timers() {
    setrlimit(Resource::RLIMIT_SIGPENDING, 0, 0).expect("a lower limit");
    let late = Fork::new().timeout(std::time::Duration::from_secs(60));
    println!("{}", late.spawn(|| 1).expect("a fork").join().expect_err("no timer"));
}

/// Has children that write what no child writes where their results are looked for, and die.
pub fn forge() {
    const WINDOW: usize = 1 << 20;
    let mut random = Random::new(7);
    let lens =
        [0, 1, 8, 79, 80, 81, 4096, WINDOW as u64 - 1, WINDOW as u64, WINDOW as u64 + 1, 1 << 40, u64::MAX];
    let mut done = 0;
    for round in 0..300u64 {
        let (outcome, len) = (random.below(6) as u32, lens[random.below(lens.len() as u64) as usize]);
        // Every other round: finished, as far as the word says, with the only generation and owner there is.
        let word = if round % 2 == 0 { 1 << 32 | 5 } else { random.number() };
        let forger = Fork::new().payload_limit(WINDOW as u64);
        let forge = |random: &mut Random| {
            let region = Region::find(1, 1, WINDOW);
            region.scribble(random, len);
            let slot = region.slot(0);
            slot.outcome.store(outcome, SeqCst);
            slot.result_len.store(len, SeqCst);
            region.state(0).store(word, SeqCst);
            tasks::raise(libc::SIGKILL);
        };
        let ok = match round % 3 {
            0 => {
                forger.spawn(|| (forge(&mut random), Vec::<String>::new()).1).expect("a fork").join().is_ok()
            }
            1 => forger.spawn(|| (forge(&mut random), Vec::<u64>::new()).1).expect("a fork").join().is_ok(),
            _ => forger.spawn(|| (forge(&mut random), String::new()).1).expect("a fork").join().is_ok(),
        };
        done += u32::from(ok);
        random.number();
    }
    // Plain numbers of a length that fits are a result like any other: only the child's own suffers.
    println!("{}", if (1..150).contains(&done) { "settled" } else { "too many or none" });
    println!("{}", fork(|| 5).expect("a fork").join().expect("no harm"));
}

/// May have little address space, so results may not be as large.
pub fn little_space() {
    setrlimit(Resource::RLIMIT_AS, 1 << 30, 1 << 30).expect("a lower limit");
    println!("{}", fork(|| vec![1u8; 1 << 20]).expect("a fork").join().expect("a result").len());
    let error = fork(|| vec![1u8; 300 << 20]).expect("a fork").join().expect_err("too large");
    assert!(matches!(error, multicore::Error::TooLarge { .. }), "{error:?}");
}

#[multicore::threaded]
fn apart() {}

/// May have no further thread.
pub fn no_threads() {
    wild::become_user(60_000 + std::process::id() % 5000);
    setrlimit(Resource::RLIMIT_NPROC, 1, 1).expect("a lower limit");
    println!("{}", apart().map(drop).expect_err("no thread is left"));
}
