//! Calls under a limit of 64 descriptors, over several pools, with deaths in between.

use multicore::{Error, Handle, Pool};
use nix::sys::resource::{Resource, setrlimit};

use super::found::{self, Found};
use super::plan::Plan;
use super::{METHODS, Verdict};
use crate::belongings::Belongings;
use crate::parts;
use crate::procfs;
use crate::rig::Rig;
use crate::tasks;

const DESCRIPTORS: u64 = 64;
/// Pools one after another, each beside a second one that stays.
const POOLS: u64 = 10;
/// Calls under way at once.
const GROUP: u64 = 20;
/// One call in so many ends its worker.
const DEATH: u64 = 1000;

/// What became of some calls.
#[derive(Default)]
struct Tally {
    right: u64,
    deaths: u64,
    failures: u64,
}

impl Tally {
    fn add(&mut self, n: u64, outcome: multicore::Result<u64>) {
        match outcome {
            Ok(square) if square == n * n => self.right += 1,
            Err(Error::Died { started: true, .. }) if dies(n) => self.deaths += 1,
            _ => self.failures += 1,
        }
    }
}

fn dies(n: u64) -> bool {
    n % DEATH == DEATH - 1
}

fn spawn(pool: &Pool, n: u64) -> multicore::Result<Handle<u64>> {
    pool.spawn(if dies(n) { tasks::leave::call(3) } else { tasks::square::call(n) })
}

/// The part: so many calls.
///
/// # Panics
/// When the kernel has no lower limit.
pub fn play(method: &str, calls: &str) {
    let calls: u64 = calls.parse().expect("a number");
    setrlimit(Resource::RLIMIT_NOFILE, DESCRIPTORS, DESCRIPTORS).expect("a lower limit");
    parts::start(method);
    Rig::new(2).end();
    let (before, first) = (Belongings::now(), procfs::open_descriptors());
    let stays = Rig::new(2);
    let mut tally = Tally::default();
    for _ in 0..POOLS {
        let own = Pool::builder().workers(2).build().expect("a pool");
        for group in 0..calls.div_ceil(POOLS * GROUP) {
            let pool = if group % 2 == 0 { &own } else { &stays.pool };
            let start = group * GROUP;
            let handles: Vec<_> = (start..start + GROUP).map(|n| (n, spawn(pool, n))).collect();
            handles.into_iter().for_each(|(n, handle)| tally.add(n, handle.and_then(Handle::get)));
        }
    }
    stays.end();
    let mut found = Found::default();
    found.count("limit", DESCRIPTORS);
    found.count("calls", tally.right + tally.deaths + tally.failures);
    found.count("pools", POOLS + 1);
    found.count("right", tally.right);
    found.count("deaths", tally.deaths);
    found.count("failures", tally.failures);
    found.count("descriptors before", first as u64);
    found.count("descriptors after", procfs::open_descriptors() as u64);
    found.tell();
    assert_eq!(Belongings::now(), before);
}

pub(super) fn run(plan: &Plan, verdict: &mut Verdict) {
    let calls = plan.times(1_000_000, 50_000);
    let found = METHODS
        .map(|method| (method, Found::by(300 + calls / 1000, method, "descriptors", &[&calls.to_string()])));
    for (method, found) in &found {
        verdict.must(found.get("failures") == 0.0, || {
            format!("{} calls failed, by {method}", found.get("failures"))
        });
        verdict.must(found.get("descriptors before") == found.get("descriptors after"), || {
            format!("descriptors are left, by {method}")
        });
    }
    print!("{}", found::sheet(&found));
}
