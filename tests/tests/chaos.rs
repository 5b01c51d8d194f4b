//! Many client threads, and a killer: every call settles exactly once, with its right result or a
//! typed error, and none is run twice.
//!
//! `MULTICORE_CHAOS_KILLS` is how many kills (60), `MULTICORE_CHAOS_SEED` what a run before used.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use multicore::{Error, Pool};
use multicore_tests::payload::Random;
use multicore_tests::procfs;
use multicore_tests::rig::Rig;
use multicore_tests::watch::within;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const THREADS: u64 = 4;
/// The supervisor is killed instead of a worker once in so many kills.
const SUPERVISOR: u64 = 12;
/// A thread's calls have numbers of their own.
const NUMBERS: u64 = 1 << 20;

/// Notes that call `n` is run, spends a little time, and answers.
#[multicore::task]
fn work(notes: &str, n: u64, microseconds: u64) -> u64 {
    let notes = File::options().read(true).write(true).open(notes).expect("the test made the file");
    let mut runs = [0];
    // Short at the end of the file: never run before.
    let _ = notes.read_at(&mut runs, n).expect("a read");
    notes.write_all_at(&[runs[0] + 1], n).expect("a write");
    thread::sleep(Duration::from_micros(microseconds));
    n * 3
}

#[derive(Debug, Default)]
struct Tally {
    made: u64,
    right: u64,
    died: u64,
}

/// Removes the file of notes, also after a panic.
struct Notes(PathBuf);

impl Drop for Notes {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Calls until the killer is through; a few are always under way.
fn client(pool: &Pool, notes: &Path, first: u64, seed: u64, over: &AtomicBool) -> Tally {
    let path = notes.to_str().expect("a name in text");
    let file = File::open(notes).expect("the test made the file");
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    let mut numbers = first..first + NUMBERS;
    while !over.load(Relaxed) {
        let group: Vec<_> = (0..1 + random.below(20))
            .map_while(|_| numbers.next())
            .map(|n| (n, pool.spawn(work::call(path, n, random.below(300))).expect("a slot")))
            .collect();
        assert!(!group.is_empty(), "a thread's numbers are enough");
        for (n, handle) in group {
            tally.made += 1;
            let result = handle.get();
            let mut runs = [0];
            let _ = file.read_at(&mut runs, n).expect("a read");
            match result {
                Ok(value) => {
                    assert_eq!((value, runs[0]), (n * 3, 1), "call {n}: its own result, run once");
                    tally.right += 1;
                }
                Err(Error::Died { started, .. }) => {
                    assert!(runs[0] <= u8::from(started), "call {n}: begun {started}, run {}", runs[0]);
                    tally.died += 1;
                }
                Err(other) => panic!("call {n}: {other}"),
            }
        }
    }
    tally
}

/// Kills workers, and now and then the supervisor.
fn killer(rig: &Rig, kills: u64, seed: u64) -> (u64, u64) {
    let mut random = Random::new(seed);
    let (mut workers, mut supervisors) = (0, 0);
    let mut supervisor = rig.supervisor();
    while workers + supervisors < kills {
        thread::sleep(Duration::from_micros(500 + random.below(4000)));
        if !supervisor.lives() {
            supervisor = rig.supervisor();
        }
        let family: Vec<_> =
            procfs::children(supervisor.pid).into_iter().filter(|stat| !stat.is_zombie()).collect();
        let chosen = if random.below(SUPERVISOR) == 0 { Some(&supervisor) } else { None };
        let Some(victim) = chosen.or_else(|| family.get(random.below(1 + family.len() as u64) as usize))
        else {
            continue;
        };
        // A worker that ended since was collected by its supervisor, whose child alone it can be.
        if !victim.lives() || kill(Pid::from_raw(victim.pid), Signal::SIGKILL).is_err() {
            continue;
        }
        if chosen.is_some() { supervisors += 1 } else { workers += 1 }
    }
    (workers, supervisors)
}

#[test]
fn every_call_settles_once_while_processes_are_killed() {
    let kills = variable("MULTICORE_CHAOS_KILLS").unwrap_or(60);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
    let seed = variable("MULTICORE_CHAOS_SEED").unwrap_or_else(now);
    println!("MULTICORE_CHAOS_SEED={seed} repeats this");
    let notes = Notes(env::temp_dir().join(format!("multicore-chaos-{}-{seed}", std::process::id())));
    File::create(&notes.0).expect("a temporary file");
    within(120 + kills / 5, || {
        let rig = Rig::with(Pool::builder().workers(3).slots(16));
        let over = AtomicBool::new(false);
        let (kills, tallies) = thread::scope(|scope| {
            let clients: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (pool, notes, over) = (&rig.pool, &notes.0, &over);
                    scope
                        .spawn(move || client(pool, notes, thread * NUMBERS, seed.wrapping_add(thread), over))
                })
                .collect();
            let kills = killer(&rig, kills, !seed);
            over.store(true, Relaxed);
            let tallies: Vec<_> =
                clients.into_iter().map(|client| client.join().expect("a client")).collect();
            (kills, tallies)
        });
        let sum = |part: fn(&Tally) -> u64| tallies.iter().map(part).sum::<u64>();
        let (made, right, died) = (sum(|t| t.made), sum(|t| t.right), sum(|t| t.died));
        println!(
            "killed {} workers and {} supervisors: {made} calls made, {right} right, {died} died, {} lost, 0 run twice",
            kills.0,
            kills.1,
            made - right - died
        );
        assert_eq!(made, right + died);
        rig.end();
    });
}
