//! The fault table as it was observed.

use super::faults::{FAULTS, Fault};
use super::found::outcome;
use super::plan::Plan;
use super::sheet::{Sheet, Times};
use super::stage::{Seen, Stage};
use super::{METHODS, Verdict, part};
use crate::belongings::Belongings;
use crate::parts;
use crate::watch::{LONG, within};

/// The part: every fault of this method so many times, a line each.
///
/// # Panics
/// When the pools are not what they were afterwards.
pub fn play(method: &str, times: &str) {
    parts::start(method);
    let times: u64 = times.parse().expect("a number");
    let end = |stage: Stage| {
        drop(stage.small);
        stage.rig.end();
    };
    end(Stage::new(method));
    let before = Belongings::now();
    let stage = Stage::new(method);
    for (number, fault) in FAULTS.iter().enumerate().filter(|(_, fault)| fault.methods.contains(&method)) {
        within(LONG + times, || {
            for _ in 0..times.min(fault.most) {
                println!("{number}\t{}", (fault.observe)(&stage).line());
            }
            stage.rig.check();
        });
    }
    end(stage);
    assert_eq!(Belongings::now(), before);
}

pub(super) fn run(plan: &Plan, verdict: &mut Verdict) {
    let times = plan.times(100, 3);
    let observed = METHODS.map(|method| {
        let fixture = part(method, "table", &[&times.to_string()]);
        within(300 + times * 20, || outcome(fixture.run()))
    });
    let heading = [
        "what was done",
        "what came back",
        "exec: of",
        "ms: median",
        "worst",
        "fork: of",
        "ms: median",
        "worst",
    ];
    let mut sheet = Sheet::new(2, &heading);
    let mut row = "";
    for (number, fault) in FAULTS.iter().enumerate() {
        if fault.row != row {
            row = fault.row;
            sheet.row([format!("\n{row}")]);
        }
        let seen = [0, 1].map(|method| seen(&observed[method], number));
        let told = seen.iter().flatten().last().map_or(String::new(), |seen| shortened(&seen.told));
        let mut cells = vec![format!("  {}", fault.done), told];
        for (method, seen) in METHODS.iter().zip(&seen) {
            judge(fault, method, seen, verdict);
            cells.extend(figures(seen));
        }
        sheet.row(cells);
    }
    print!("{sheet}");
}

fn seen(observed: &str, number: usize) -> Vec<Seen> {
    let prefix = format!("{number}\t");
    observed.lines().filter_map(|line| Seen::from_line(line.strip_prefix(&prefix)?)).collect()
}

fn judge(fault: &Fault, method: &str, seen: &[Seen], verdict: &mut Verdict) {
    let what = || format!("{}, by {method}", fault.done);
    verdict.must(seen.is_empty() != fault.methods.contains(&method), || format!("{}: not observed", what()));
    for other in seen.iter().filter(|seen| seen.back != fault.back) {
        verdict.must(false, || format!("{}: {} and not {}: {}", what(), other.back, fault.back, other.told));
    }
}

fn figures(seen: &[Seen]) -> [String; 3] {
    let mut times = Times::default();
    seen.iter().for_each(|seen| times.add(seen.after));
    match seen.len() {
        0 => ["–", "–", "–"].map(str::to_owned),
        count => [count.to_string(), times.median(), times.worst()],
    }
}

/// What fits beside the figures.
fn shortened(told: &str) -> String {
    const MOST: usize = 76;
    let paths = [
        "multicore_tests::",
        "endure::dying::",
        "tasks::",
        "chunks::",
        "false_types::",
        "faulty::",
        "values::",
    ];
    let told = paths.iter().fold(told.to_owned(), |told, path| told.replace(path, ""));
    if told.chars().count() <= MOST { told } else { told.chars().take(MOST - 1).chain(['…']).collect() }
}
