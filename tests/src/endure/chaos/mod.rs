//! Many client threads, and a killer: every call settles exactly once, with its right result or a typed
//! error, and none is run more often than it may.

mod client;
mod tally;

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use multicore::Pool;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use self::client::Client;
pub use self::tally::Tally;
use super::found::{self, Found};
use super::plan::Plan;
use super::{METHODS, Verdict};
use crate::belongings::Belongings;
use crate::parts;
use crate::payload::Random;
use crate::procfs;
use crate::rig::Rig;

const THREADS: u64 = 4;
const WORKERS: usize = 3;
/// The supervisor is killed instead of a worker once in so many kills.
const SUPERVISOR: u64 = 12;

/// Removes the file of notes, also after a panic.
struct Notes(PathBuf);

impl Drop for Notes {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
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

/// Calls while so many processes are killed, on a pool of this process.
///
/// # Panics
/// When the pool is not what it was afterwards.
pub fn chaos(kills: u64, seed: u64) -> Tally {
    let notes = Notes(std::env::temp_dir().join(format!("multicore-chaos-{}-{seed}", std::process::id())));
    File::create(&notes.0).expect("a temporary file");
    let path = notes.0.to_str().expect("a name in text");
    let rig = Rig::with(Pool::builder().workers(WORKERS).slots(16));
    let over = AtomicBool::new(false);
    let (killed, clients) = thread::scope(|scope| {
        let start = |thread| {
            let client = Client::new(thread, path, seed);
            scope.spawn(|| client.run(&rig.pool, &over))
        };
        let clients: Vec<_> = (0..THREADS).map(start).collect();
        let killed = killer(&rig, kills, !seed);
        over.store(true, Relaxed);
        (killed, clients.into_iter().map(|client| client.join().expect("a client")).collect::<Vec<_>>())
    });
    // Also what was detached has run or died then.
    rig.end();
    let tally = clients.into_iter().map(Client::counted).fold(Tally::default(), Tally::and);
    tally.under(killed)
}

/// The part: so many kills.
///
/// # Panics
/// When anything is left behind.
pub fn play(method: &str, kills: &str, seed: &str) {
    parts::start(method);
    Rig::new(1).end();
    let before = Belongings::now();
    chaos(kills.parse().expect("a number"), seed.parse().expect("a number")).found().tell();
    assert_eq!(Belongings::now(), before);
}

pub(super) fn run(plan: &Plan, verdict: &mut Verdict) {
    let kills = plan.times(100_000, 300).div_ceil(2);
    println!("MULTICORE_CHAOS_SEED={} repeats it", plan.seed);
    let found = METHODS.map(|method| {
        let arguments = [kills.to_string(), plan.seed.to_string()];
        (method, Found::by(120 + kills / 5, method, "chaos", &arguments.each_ref().map(String::as_str)))
    });
    for (method, found) in &found {
        for bad in ["lost", "duplicated", "hung", "wrong"] {
            verdict.must(found.get(bad) == 0.0, || format!("{} {bad}, by {method}", found.get(bad)));
        }
    }
    print!("{}", found::sheet(&found));
}
