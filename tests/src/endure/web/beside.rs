//! What happens beside a load: kills, counts, and visitors of our own.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::WORKERS;
use super::client::Seen;
use super::database::{Database, Observer};
use super::server::{Server, workers};
use crate::procfs::Stat;
use crate::watch::eventually;

/// How often a worker is killed,
const KILLS: Duration = Duration::from_secs(1);
/// connections are counted,
const COUNTS: Duration = Duration::from_millis(100);
/// and `/healthz` is asked for.
const HEALTH: Duration = Duration::from_millis(100);

/// All that was seen.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) kills: usize,
    pub(super) counts: Counts,
    pub(super) list: Seen,
    pub(super) health: Seen,
}

/// The database's connections, again and again.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) samples: usize,
    /// While no worker was dying: the most.
    pub(super) most: usize,
    /// While one was.
    pub(super) most_dying: usize,
    /// Samples with more than one connection for each worker and each that was dying.
    pub(super) too_many: usize,
}

/// How far the kills are.
#[derive(Default)]
struct Kills {
    begun: AtomicUsize,
    /// The database knows of them.
    known: AtomicUsize,
}

/// Ends what happens beside, also when `load` panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Runs `load`, and all the rest as long as it runs. One visitor asks for this page all the time.
///
/// # Panics
/// When something never comes that is a matter of moments.
pub(super) fn during<T>(
    server: &Server,
    database: &Database,
    page: &str,
    load: impl FnOnce() -> T,
) -> (T, Beside) {
    let (over, kills) = (&AtomicBool::new(false), &Kills::default());
    let supervisor = server.supervisor();
    thread::scope(|scope| {
        let ends = Over(over);
        let killer = scope.spawn(|| kill_workers(supervisor, &mut database.observer(), kills, over));
        let counter = scope.spawn(|| count(supervisor, &mut database.observer(), kills, over));
        let visitor = scope.spawn(|| {
            let client = server.client();
            seen(over, Duration::ZERO, |seen| seen.ask(&client, page))
        });
        let doctor = scope.spawn(|| {
            let client = server.client();
            seen(over, HEALTH, |seen| seen.ask_health(&client))
        });
        let result = load();
        drop(ends);
        let beside = Beside {
            kills: killer.join().expect("the killer"),
            counts: counter.join().expect("the counter"),
            list: visitor.join().expect("the visitor"),
            health: doctor.join().expect("the doctor"),
        };
        (result, beside)
    })
}

/// Does it again and again until the load is over: at once, or in this rhythm.
fn again(over: &AtomicBool, rhythm: Duration, mut act: impl FnMut()) {
    let start = Instant::now();
    let mut turn = 1;
    while !over.load(SeqCst) {
        act();
        thread::sleep((start + rhythm * turn).saturating_duration_since(Instant::now()));
        turn += 1;
    }
}

fn seen(over: &AtomicBool, rhythm: Duration, mut ask: impl FnMut(&mut Seen)) -> Seen {
    let mut seen = Seen::default();
    again(over, rhythm, || ask(&mut seen));
    seen
}

/// Kills the workers one by one, each once all have a connection. How many it were.
fn kill_workers(supervisor: &Stat, observer: &mut Observer, kills: &Kills, over: &AtomicBool) -> usize {
    let mut turn = 0;
    again(over, KILLS, || {
        let (mut family, mut before) = (Vec::new(), Default::default());
        eventually("each worker has its connection, or the load is over", || {
            family = workers(supervisor);
            before = observer.connections(&family);
            (family.len() == WORKERS && before.len() == WORKERS) || over.load(SeqCst)
        });
        if over.load(SeqCst) {
            return;
        }
        // A worker that ended since was collected by its supervisor, whose child alone it can be.
        let Some(victim) = family.get(turn % WORKERS).filter(|worker| worker.lives()) else { return };
        kills.begun.fetch_add(1, SeqCst);
        turn += 1;
        kill(Pid::from_raw(victim.pid), Signal::SIGKILL).expect("it was there just now");
        eventually("the database knows that a worker is gone", || {
            !before.is_subset(&observer.connections(&workers(supervisor)))
        });
        kills.known.fetch_add(1, SeqCst);
    });
    turn
}

fn count(supervisor: &Stat, observer: &mut Observer, kills: &Kills, over: &AtomicBool) -> Counts {
    let mut counts = Counts::default();
    again(over, COUNTS, || {
        let known = kills.known.load(SeqCst);
        let now = observer.connections(&workers(supervisor)).len();
        let dying = kills.begun.load(SeqCst) - known;
        counts.samples += 1;
        let most = if dying == 0 { &mut counts.most } else { &mut counts.most_dying };
        *most = now.max(*most);
        counts.too_many += usize::from(now > WORKERS + dying);
    });
    counts
}
