//! Looking at a server's connections all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use test_postgres::{Admin, Connection};

use crate::endure::found::Found;

/// What was seen.
#[derive(Default)]
pub(super) struct Watcher {
    looks: u64,
    most: usize,
    most_of_live: usize,
    seen: BTreeSet<i32>,
    /// Connections whose client's end is gone, since when.
    closing: BTreeMap<i32, Instant>,
    /// How long such were still there.
    lingered: Vec<Duration>,
}

impl Watcher {
    /// Looks until it is over.
    pub(super) fn watch(url: &str, over: &AtomicBool) -> Watcher {
        let (server, application) = url.split_once("?application_name=").expect("a name");
        let mut admin = Admin::at(server);
        let mut watcher = Watcher::default();
        while !over.load(Relaxed) {
            let connections = admin.connections(application);
            // Asked second: what is established now was so when the server was asked, since no worker connects twice.
            watcher.look(&connections, &established());
        }
        watcher
    }

    fn look(&mut self, connections: &[Connection], established: &BTreeSet<i32>) {
        let now = Instant::now();
        let live = |connection: &&Connection| established.contains(&connection.client_port);
        self.looks += 1;
        self.most = self.most.max(connections.len());
        self.most_of_live = self.most_of_live.max(connections.iter().filter(live).count());
        self.seen.extend(connections.iter().map(|connection| connection.pid));
        for dead in connections.iter().filter(|connection| !live(connection)) {
            self.closing.entry(dead.pid).or_insert(now);
        }
        let lingered = &mut self.lingered;
        self.closing.retain(|pid, since| {
            let there = connections.iter().any(|connection| connection.pid == *pid);
            if !there {
                lingered.push(now - *since);
            }
            there
        });
    }

    pub(super) fn tell(mut self, found: &mut Found) {
        self.lingered.sort_unstable();
        let microseconds = |time: Option<&Duration>| time.map_or(0, |time| time.as_micros() as u64);
        found.count("looks at the server", self.looks);
        found.count("most at once of live workers", self.most_of_live as u64);
        found.count("most at once with those of the dead", self.most as u64);
        found.count("different ones seen", self.seen.len() as u64);
        found.count("seen after their worker's death", self.lingered.len() as u64);
        found.count("  for how long, us: median", microseconds(self.lingered.get(self.lingered.len() / 2)));
        found.count("  worst", microseconds(self.lingered.last()));
    }
}

/// The ports of this machine that are the near end of an established connection.
fn established() -> BTreeSet<i32> {
    const ESTABLISHED: &str = "01";
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel's table");
    let port = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (_, port) = fields.next()?.split_once(':')?;
        (fields.nth(1)? == ESTABLISHED).then_some(())?;
        i32::from_str_radix(port, 16).ok()
    };
    table.lines().skip(1).filter_map(port).collect()
}
