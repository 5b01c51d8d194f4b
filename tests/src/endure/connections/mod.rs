//! As many connections as workers, seen from the server, while thousands of calls run and workers are killed.

mod watcher;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;
use std::time::Duration;

use multicore::{Error, Pool};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use test_postgres::{Admin, Cluster};

use self::watcher::Watcher;
use super::found::{self, Found, outcome};
use super::plan::Plan;
use super::{METHODS, Verdict, part};
use crate::belongings::Belongings;
use crate::parts;
use crate::payload::Random;
use crate::procfs;
use crate::rig::Rig;
use crate::tasks::connections::{Kind, URL, backend};
use crate::watch::{eventually, within};

const WORKERS: usize = 4;
const THREADS: u64 = 2;
/// Calls of one thread under way at once.
const GROUP: u64 = 16;

/// What became of some calls.
#[derive(Clone, Copy, Default)]
struct Tally {
    right: u64,
    died: u64,
    wrong: u64,
}

impl Tally {
    /// Makes calls until there are as many as wanted.
    fn calls(pool: &Pool, made: &AtomicU64, wanted: u64) -> Tally {
        let mut tally = Tally::default();
        while made.fetch_add(GROUP, Relaxed) < wanted {
            let spawn = |_| pool.spawn(backend::call(Kind::Kept)).expect("a slot");
            for handle in (0..GROUP).map(spawn).collect::<Vec<_>>() {
                match handle.get() {
                    Ok(Ok(pid)) if pid > 0 => tally.right += 1,
                    Err(Error::Died { .. }) => tally.died += 1,
                    _ => tally.wrong += 1,
                }
            }
        }
        tally
    }

    fn and(self, other: Tally) -> Tally {
        Tally {
            right: self.right + other.right,
            died: self.died + other.died,
            wrong: self.wrong + other.wrong,
        }
    }
}

/// Kills a worker each time that so many calls have been made.
fn killer(rig: &Rig, made: &AtomicU64, calls: u64, kills: u64) {
    let (supervisor, mut random) = (rig.supervisor(), Random::new(calls));
    for number in 0..kills {
        while made.load(Relaxed) < number * calls / kills {
            thread::sleep(Duration::from_micros(200));
        }
        loop {
            let workers = procfs::children(supervisor.pid);
            let victim = workers.get(random.below(workers.len().max(1) as u64) as usize);
            let lives = |victim: &&procfs::Stat| !victim.is_zombie() && victim.lives();
            if victim.filter(lives).is_some_and(|one| kill(Pid::from_raw(one.pid), Signal::SIGKILL).is_ok()) {
                break;
            }
        }
    }
}

/// The part: so many calls, and so many workers killed meanwhile.
///
/// # Panics
/// When the pool is not what it was afterwards, or a connection is left.
pub fn play(method: &str, calls: &str, kills: &str) {
    let (calls, kills): (u64, u64) = (calls.parse().expect("a number"), kills.parse().expect("a number"));
    parts::start(method);
    Rig::new(1).end();
    let before = Belongings::now();
    let url = std::env::var(URL).expect("a server");
    let rig = Rig::with(Pool::builder().workers(WORKERS));
    let (made, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (tally, watcher) = thread::scope(|scope| {
        let watcher = scope.spawn(|| Watcher::watch(&url, &over));
        let clients: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| Tally::calls(&rig.pool, &made, calls))).collect();
        killer(&rig, &made, calls, kills);
        let tallies = clients.into_iter().map(|client| client.join().expect("a client"));
        let tally = tallies.fold(Tally::default(), Tally::and);
        over.store(true, Relaxed);
        (tally, watcher.join().expect("a watcher"))
    });
    // Of all kinds, so that the last worker has one too.
    rig.check();
    rig.end();
    let (server, application) = url.split_once("?application_name=").expect("a name");
    let mut admin = Admin::at(server);
    eventually("no connection is left", || admin.connections(application).is_empty());
    drop(admin);
    let mut found = Found::default();
    found.count("workers", WORKERS as u64);
    found.count("calls", tally.right + tally.died + tally.wrong);
    found.count("right", tally.right);
    found.count("workers killed", kills);
    found.count("calls that died with them", tally.died);
    found.count("wrong", tally.wrong);
    watcher.tell(&mut found);
    found.tell();
    assert_eq!(Belongings::now(), before);
}

/// What a server says when nobody said goodbye.
const SILENT: [&str; 4] =
    ["unexpected EOF", "could not receive", "could not send", "connection to client lost"];

/// How many connections of this name a server's log has, and on how many of them somebody said goodbye.
fn logged(log: &str, application: &str) -> (u64, u64) {
    let mut connections: BTreeMap<&str, bool> = BTreeMap::new();
    let (own, made) = (format!(" {application}: "), format!("application_name={application}"));
    for line in log.lines() {
        let Some((pid, _)) = line.split_once(' ') else { continue };
        if line.contains("connection authorized") && line.ends_with(&made) {
            connections.insert(pid, true);
        } else if line.contains(&own) && SILENT.iter().any(|silent| line.contains(silent)) {
            connections.insert(pid, false);
        }
    }
    (connections.len() as u64, connections.values().filter(|&&goodbye| goodbye).count() as u64)
}

pub(super) fn run(plan: &Plan, verdict: &mut Verdict) {
    if !cfg!(postgres) {
        return verdict.must(false, || "no PostgreSQL server is installed".to_owned());
    }
    let (calls, kills) = (plan.times(100_000, 4_000), plan.times(100, 8));
    let server = Cluster::start();
    let found = METHODS.map(|method| {
        let arguments = [calls.to_string(), kills.to_string()];
        let part = part(method, "connections", &arguments.each_ref().map(String::as_str));
        let part = part.env(URL, &server.url_of(method));
        let mut found = within(120 + calls / 200, || Found::heard(&outcome(part.run())));
        let (made, goodbyes) = logged(&server.log(), method);
        found.count("connections made, as the server logged", made);
        found.count("ended with a goodbye", goodbyes);
        (method, found)
    });
    for (method, found) in &found {
        let (workers, kills) = (found.get("workers"), found.get("workers killed"));
        let mut must = |name, most| {
            let seen = found.get(name);
            verdict.must(seen <= most, || format!("{name}: {seen}, at most {most}, by {method}"));
        };
        must("wrong", 0.0);
        must("calls that died with them", kills);
        must("most at once of live workers", workers);
        must("connections made, as the server logged", workers + kills);
        must("ended with a goodbye", workers);
    }
    println!("of live workers: those whose client's end is established");
    print!("{}", found::sheet(&found));
}
