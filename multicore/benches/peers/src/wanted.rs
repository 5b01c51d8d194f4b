//! What is wanted of multicore: bounds on ratios within one run, and whether they are met.

use crate::contenders::Contender::{
    self, Iceoryx, IpcChannel, Limits, Original, Ours, OursFork, Procspawn, Prototype, PythonExecutor,
    PythonPool, Rayon,
};
use crate::jobs::Job::{self, Batch, Idle, J1, J1Other, J1Same, J2, J3, J4, J5, J6, J7, J8, J9, J9Sleep};
use crate::rounds::Results;
use crate::table::short;

/// Which way a bound goes.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

use Bound::{AtLeast, AtMost};

/// A place in the table.
type Cell = (Job, &'static str, Contender);

/// One bound.
struct Wanted {
    who: Cell,
    bound: Bound,
    /// The best of these is 1; where there are none, the figure itself is bounded. Several are the pools of
    /// processes.
    of: &'static [Cell],
}

const fn against(who: Cell, bound: Bound, of: &'static [Cell]) -> Wanted {
    Wanted { who, bound, of }
}

const fn itself(who: Cell, bound: Bound) -> Wanted {
    Wanted { who, bound, of: &[] }
}

const ONE_MIB: &str = "1 MiB";
const LARGE: &str = "64 MiB";

const WANTED: &[Wanted] = &[
    against((J1, "", Ours), AtMost(0.9), &[(J1, "", Iceoryx)]),
    against((J1, "", Ours), AtMost(1.0 / 80.0), &[(J1, "", Procspawn)]),
    against((J1, "", Ours), AtMost(5.0), &[(J1, "", Limits)]),
    against((J1Other, "", Ours), AtMost(1.0), &[(J1Other, "", IpcChannel)]),
    against((J1Other, "", Ours), AtMost(1.3), &[(J1Other, "", Limits)]),
    against((J1Same, "", Ours), AtMost(1.0), &[(J1Same, "", IpcChannel)]),
    against((J1Same, "", Ours), AtMost(1.3), &[(J1Same, "", Limits)]),
    against((J2, "each", Ours), AtLeast(1.0), &[(J2, "each", Rayon)]),
    against((J2, "each", Ours), AtLeast(15.0), &[(J2, "each", IpcChannel)]),
    against((J2, "each", Ours), AtLeast(150.0), &[(J2, "each", Procspawn)]),
    against((J2, "each", Ours), AtLeast(0.2), &[(J2, "each", Prototype)]),
    itself((Batch, "10 us", Ours), AtLeast(1.85)),
    itself((Batch, "1 us", Ours), AtLeast(1.5)),
    against(
        (J3, ONE_MIB, Ours),
        AtLeast(8.0),
        &[
            (J3, ONE_MIB, Procspawn),
            (J3, ONE_MIB, IpcChannel),
            (J3, ONE_MIB, PythonPool),
            (J3, ONE_MIB, PythonExecutor),
        ],
    ),
    against(
        (J3, LARGE, Ours),
        AtLeast(3.0),
        &[
            (J3, LARGE, Procspawn),
            (J3, LARGE, IpcChannel),
            (J3, LARGE, PythonPool),
            (J3, LARGE, PythonExecutor),
        ],
    ),
    against((J3, ONE_MIB, Ours), AtLeast(0.5), &[(J3, ONE_MIB, Prototype)]),
    against((J3, LARGE, Ours), AtLeast(0.75), &[(J3, LARGE, Prototype)]),
    against((J3, "1 MiB borrowed", Ours), AtLeast(0.5), &[(J3, ONE_MIB, Limits)]),
    against((J3, "64 MiB borrowed", Ours), AtLeast(0.5), &[(J3, LARGE, Limits)]),
    against((J4, "default", Ours), AtLeast(0.97), &[(J4, "default", Rayon)]),
    itself((J4, "default", Ours), AtLeast(1.9)),
    against((J5, "", OursFork), AtMost(0.5), PROCESS_POOLS),
    against((J5, "", Ours), AtMost(1.0), PROCESS_POOLS),
    against((J5, "", OursFork), AtMost(3.0), &[(J5, "", Prototype)]),
    against((J5, "", Ours), AtMost(2.0), &[(J5, "", Limits)]),
    against((J6, "100 calls", Ours), AtMost(1.02), &[(J6, "100 calls", Limits)]),
    against((J6, "2 ranges", Ours), AtMost(1.02), &[(J6, "2 ranges", Limits)]),
    against((J7, "", Ours), AtMost(1.0 / 100.0), &[(J7, "", IpcChannel)]),
    against((J7, "", Ours), AtMost(2.0), &[(J7, "", Prototype)]),
    itself((J8, "", Ours), AtLeast(1.5)),
    against((J9, "", Ours), AtMost(1.0 / 500.0), &[(J9, "", Original)]),
    // The wanted 8 us are the prototype's without spin: against ours as it comes, and like against like.
    against((J9, "", Ours), AtMost(3.0), &[(J9Sleep, "", Prototype)]),
    against((J9Sleep, "", Ours), AtMost(3.0), &[(J9Sleep, "", Prototype)]),
    itself((Idle, "in 2 s", Ours), AtMost(0.0)),
    itself((Idle, "in 2 s", OursFork), AtMost(0.0)),
];

const PROCESS_POOLS: &[Cell] = &[
    (J5, "", Procspawn),
    (J5, "", IpcChannel),
    (J5, "", PythonPool),
    (J5, "", PythonExecutor),
    (J5, "", Original),
];

/// Prints each bound on these jobs and contenders.
pub fn print(results: &Results, jobs: &[Job], contenders: &[Contender]) {
    println!("\n{:<36}  {:>8}  {:>16}  of", "what is wanted", "is", "");
    let asked_for = |(job, _, contender): &Cell| jobs.contains(job) && contenders.contains(contender);
    for wanted in WANTED.iter().filter(|wanted| asked_for(&wanted.who)) {
        if wanted.of.is_empty() || wanted.of.iter().any(asked_for) {
            println!("{}", wanted.line(results));
        }
    }
}

impl Wanted {
    fn line(&self, results: &Results) -> String {
        let (job, part, contender) = self.who;
        let words = [job.title(), part, if contender == OursFork { "fork" } else { "" }];
        let name: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let (wanted, bound) = match self.bound {
            AtMost(bound) => ("at most", bound),
            AtLeast(bound) => ("at least", bound),
        };
        let of = match self.of {
            [] => String::new(),
            [(job, _, contender)] if *job == self.who.0 => contender.name(),
            [(job, _, contender)] => format!("{}, {}", contender.name(), job.title()),
            _ => "the best process pool".to_owned(),
        };
        let (found, met) = match self.ratio(results) {
            Some(ratio) => (short(ratio), if self.is_met_by(ratio) { "met" } else { "NOT MET" }),
            None => ("–".to_owned(), "not measured"),
        };
        format!("{:<36}  {found:>8}  {wanted:>8} {:>7}  {of:<32}  {met}", name.join(", "), short(bound))
    }

    fn is_met_by(&self, ratio: f64) -> bool {
        match self.bound {
            AtMost(bound) => ratio <= bound,
            AtLeast(bound) => ratio >= bound,
        }
    }

    fn ratio(&self, results: &Results) -> Option<f64> {
        let median = |(job, part, contender): Cell| results.median(job, part, contender);
        let found = median(self.who)?;
        if self.of.is_empty() {
            return Some(found);
        }
        let best = self.of.iter().filter_map(|cell| median(*cell)).reduce(match self.bound {
            AtMost(_) => f64::min,
            AtLeast(_) => f64::max,
        })?;
        Some(found / best)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn whoever_is_named_takes_part() {
        for wanted in WANTED {
            for (job, part, contender) in std::iter::once(&wanted.who).chain(wanted.of) {
                let row = format!("{} {part}, {}", job.title(), contender.name());
                assert!(contender.plays(*job) || !contender.is_built_in(), "{row}");
            }
        }
    }

    #[test]
    fn a_bound_is_met_up_to_its_edge() {
        let met = |bound, ratio| itself((J9, "", Ours), bound).is_met_by(ratio);
        assert_eq!([2.9, 3.0, 3.1].map(|ratio| met(AtMost(3.0), ratio)), [true, true, false]);
        assert_eq!([1.4, 1.5, 1.6].map(|ratio| met(AtLeast(1.5), ratio)), [false, true, true]);
    }
}
