//! `kill -9` of a client in the middle of calls: how long its processes outlive it.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::plan::Plan;
use super::sheet::{Sheet, Times};
use super::watched::Watched;
use super::{METHODS, Verdict, part};
use crate::fixture::Folder;
use crate::moment;
use crate::watch::{LONG, within};

/// Whoever is there after that is a survivor.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a client left when it was killed.
#[derive(Clone, Copy, Debug)]
pub struct Killed {
    /// From the kill to the end of the last of its processes.
    pub longest: Duration,
    /// How many processes it had beside itself.
    pub processes: usize,
    /// How many of them were still there in the end, or came later.
    pub survivors: usize,
}

/// Kills a client that has calls running and queued on two pools, one of them with a child.
///
/// # Panics
/// When the client does not come that far.
pub fn once(method: &str) -> Killed {
    within(LONG, || {
        let folder = Folder::new();
        let mut client = part(method, "hold", &[&folder.path().to_string_lossy()]).start();
        assert_eq!(client.line(), "ready");
        for name in ["one", "two", "three"] {
            folder.process(name);
        }
        let family = client.family().into_iter().map(|process| process.pid);
        let watched = Watched::these(family.filter(|&pid| pid != client.pid()));
        let processes = watched.count();
        let moment = moment::now();
        client.signal(Signal::SIGKILL);
        let gone = watched.until_gone(PATIENCE);
        let later = client.family().into_iter().filter(|process| !process.is_zombie()).count();
        let survivors = gone.left.max(later);
        if survivors == 0 {
            client.wait();
        }
        Killed { longest: Duration::from_nanos(gone.last.saturating_sub(moment)), processes, survivors }
    })
}

pub(super) fn run(plan: &Plan, verdict: &mut Verdict) {
    let times = plan.times(200, 10).div_ceil(2);
    let heading =
        ["by", "clients killed", "processes", "survivors", "longest ms: median", "worst", "within 100 ms"];
    let mut sheet = Sheet::new(1, &heading);
    for method in METHODS {
        let (mut processes, mut survivors, mut longest) = (0, 0, Times::default());
        for _ in 0..times {
            let killed = once(method);
            processes += killed.processes;
            survivors += killed.survivors;
            longest.add(killed.longest);
        }
        verdict.must(survivors == 0, || format!("{survivors} processes survive their client, by {method}"));
        let within = longest.within(Duration::from_millis(100));
        let cells = [
            times.to_string(),
            processes.to_string(),
            survivors.to_string(),
            longest.median(),
            longest.worst(),
        ];
        sheet.row([method.to_owned()].into_iter().chain(cells).chain([within.to_string()]));
    }
    print!("{sheet}");
}
