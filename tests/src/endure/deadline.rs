//! Endless loops with a deadline: when the last process of the worker's group is gone.

use std::time::Duration;

use multicore::Error;

use super::dying::{self, Loop};
use super::found::outcome;
use super::plan::Plan;
use super::sheet::{Sheet, Times};
use super::watched::Watched;
use super::{METHODS, Verdict, part};
use crate::belongings::Belongings;
use crate::fixture::Folder;
use crate::parts;
use crate::rig::Rig;
use crate::watch::within;

const DEADLINE: Duration = Duration::from_millis(100);
/// The default of `Config::grace`.
const GRACE: Duration = Duration::from_millis(100);
/// Whoever is there after that was not ended.
const PATIENCE: Duration = Duration::from_secs(10);

const LOOPS: [(Loop, &str); 3] =
    [(Loop::Plain, "a loop"), (Loop::Deaf, "ignores SIGTERM"), (Loop::Parent, "two children that ignore it")];

/// One call: how long its processes lasted from its begin; `None` when they did not end, or its caller was
/// told otherwise.
fn once(rig: &Rig, folder: &Folder, how: Loop) -> Option<Duration> {
    let (handle, note) = dying::begin(&rig.pool, how, DEADLINE, &folder.file("begun"));
    let gone = Watched::these(note.pids).until_gone(PATIENCE);
    let right = matches!(handle.get(), Err(Error::TimedOut { .. })) && gone.left == 0;
    right.then(|| Duration::from_nanos(gone.last.saturating_sub(note.at)))
}

/// The part: each loop so many times.
///
/// # Panics
/// When the pool is not what it was afterwards.
pub fn play(method: &str, times: &str) {
    parts::start(method);
    let times: usize = times.parse().expect("a number");
    Rig::new(2).end();
    let before = Belongings::now();
    let (rig, folder) = (Rig::new(2), Folder::new());
    for _ in 0..times {
        for (how, name) in LOOPS {
            if let Some(gone) = once(&rig, &folder, how) {
                println!("{name}\t{}", gone.as_nanos());
            }
        }
    }
    rig.end();
    assert_eq!(Belongings::now(), before);
}

pub(super) fn run(plan: &Plan, verdict: &mut Verdict) {
    let times = plan.times(100, 5);
    println!("deadline 100 ms, grace 100 ms; from the begin of the call to the end of its last process");
    let heading = ["task", "by", "calls", "gone", "ms: median", "worst", "within 200 ms", "within 210 ms"];
    let mut sheet = Sheet::new(2, &heading);
    for method in METHODS {
        let fixture = part(method, "deadline", &[&times.to_string()]);
        let text = within(120 + times * 3, || outcome(fixture.run()));
        for (_, name) in LOOPS {
            let mut gone = Times::default();
            let lines =
                text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('\t')?.parse().ok());
            lines.for_each(|nanoseconds| gone.add(Duration::from_nanos(nanoseconds)));
            verdict.must(gone.count() as u64 == times, || {
                format!("{name}, by {method}: {} of {times} ended", gone.count())
            });
            let within = |more| gone.within(DEADLINE + GRACE + Duration::from_millis(more)).to_string();
            sheet.row([
                name.to_owned(),
                method.to_owned(),
                times.to_string(),
                gone.count().to_string(),
                gone.median(),
                gone.worst(),
                within(0),
                within(10),
            ]);
        }
    }
    print!("{sheet}");
}
