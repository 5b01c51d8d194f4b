//! The long proofs: what `cargo endure` runs, and what it prints of it.
//!
//! A subject is one such proof. It plays its parts in processes of their own, which this program starts as
//! itself ([`part`]), under both start methods, and prints what it saw. Only what must hold at any speed is
//! asserted; times are printed.

pub mod alone;
pub mod chaos;
pub mod connections;
pub mod deadline;
pub mod descriptors;
pub mod dying;
pub mod faults;
pub mod forged;
pub mod found;
pub mod kills;
pub mod limited;
pub mod observe;
pub mod plan;
pub mod sheet;
pub mod soak;
pub mod stage;
pub mod table;
pub mod watched;
pub mod web;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use self::plan::Plan;
use crate::belongings::Belongings;
use crate::fixture::Fixture;

/// Both start methods.
pub const METHODS: [&str; 2] = ["exec", "fork"];

/// One proof.
pub struct Subject {
    /// Its name.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    run: fn(&Plan, &mut Verdict),
}

/// Every subject, in the order in which they run.
pub const SUBJECTS: [Subject; 8] = [
    Subject { name: "table", shows: "each row of the fault table, as it was observed", run: table::run },
    Subject { name: "kills", shows: "kill -9 of the client in the middle of calls", run: kills::run },
    Subject { name: "deadline", shows: "endless loops with a deadline of 100 ms", run: deadline::run },
    Subject { name: "descriptors", shows: "calls under a limit of 64 descriptors", run: descriptors::run },
    Subject {
        name: "soak",
        shows: "memory of client and supervisor under calls, deaths and cancels",
        run: soak::run,
    },
    Subject {
        name: "connections",
        shows: "as many connections at a server as workers, while these are killed",
        run: connections::run,
    },
    Subject { name: "chaos", shows: "calls from many threads while processes are killed", run: chaos::run },
    Subject {
        name: "web",
        shows: "a web application under load while its workers are killed",
        run: web::run,
    },
];

/// What did not hold.
#[derive(Debug, Default)]
pub struct Verdict(Vec<String>);

impl Verdict {
    /// Notes `what` unless it holds.
    pub fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what());
        }
    }
}

/// Runs the subjects of the plan; whether all that must hold held.
pub fn run(plan: &Plan) -> bool {
    println!("seed {}, scale {}", plan.seed, plan.scale);
    let mut failures = Vec::new();
    for subject in plan.subjects() {
        let start = Instant::now();
        println!("\n== {}: {}", subject.name, subject.shows);
        let before = Belongings::now();
        let mut verdict = Verdict::default();
        if catch_unwind(AssertUnwindSafe(|| (subject.run)(plan, &mut verdict))).is_err() {
            verdict.0.push("it panicked".to_owned());
        }
        let after = Belongings::now();
        verdict.must(before == after, || format!("left behind: {before:?} became {after:?}"));
        println!("({:.0} s)", start.elapsed().as_secs_f64());
        failures.extend(verdict.0.into_iter().map(|what| format!("{}: {what}", subject.name)));
    }
    println!();
    failures.iter().for_each(|failure| println!("does not hold: {failure}"));
    if failures.is_empty() {
        println!("all of it holds");
    }
    failures.is_empty()
}

/// This program as a fixture that plays a part. Without backtraces, which are most of a panic's time.
///
/// # Panics
/// When this program cannot be found.
pub fn part(method: &str, part: &str, rest: &[&str]) -> Fixture {
    let own = std::env::current_exe().expect("this program");
    Fixture::new(own.to_str().expect("a path of text"), &[&["play", method, part], rest].concat())
        .env("RUST_BACKTRACE", "0")
}
