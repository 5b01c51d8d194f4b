//! What was asked for on the command line.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{SUBJECTS, Subject};

/// How to use the program.
const USAGE: &str = "cargo endure [SUBJECT..] [--short] [--times FACTOR] [--seconds N] [--compare]
  without a SUBJECT all of them, as long as it takes; about an hour
  --short         two minutes in all
  --times FACTOR  everything so many times as often (0.1: a tenth)
  --seconds N     how long the soak takes (600)
  --compare       of the web application: its page beside those that threads make, in place of the load
  MULTICORE_CHAOS_SEED repeats the decisions of a run before";

/// The subjects, and how much of each.
#[derive(Debug)]
pub struct Plan {
    names: Vec<String>,
    short: bool,
    /// Whether the web application is compared with what it would be without processes.
    pub compare: bool,
    /// How many times as often as by default.
    pub scale: f64,
    /// How long the soak takes.
    pub seconds: u64,
    /// Where random decisions begin.
    pub seed: u64,
}

impl Plan {
    /// From the command line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from(arguments: impl IntoIterator<Item = String>) -> Result<Plan, String> {
        let mut plan = Plan {
            names: Vec::new(),
            short: false,
            compare: false,
            scale: 1.0,
            seconds: 0,
            seed: variable("MULTICORE_CHAOS_SEED").unwrap_or_else(now),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} of what?\n{USAGE}"));
            match argument.as_str() {
                "--short" => plan.short = true,
                "--compare" => plan.compare = true,
                "--times" => plan.scale = number(&value()?)?,
                "--seconds" => plan.seconds = number(&value()?)?,
                name if SUBJECTS.iter().any(|subject| subject.name == name) => plan.names.push(argument),
                other => return Err(format!("{}\n{USAGE}", unknown(other))),
            }
        }
        if !(plan.scale > 0.0 && plan.scale.is_finite()) {
            return Err(format!("--times {}: not above 0", plan.scale));
        }
        if plan.seconds == 0 {
            plan.seconds = if plan.short { 10 } else { 600 };
        }
        Ok(plan)
    }

    /// The subjects that were asked for, or all.
    pub fn subjects(&self) -> impl Iterator<Item = &'static Subject> {
        let wanted =
            |subject: &&Subject| self.names.is_empty() || self.names.iter().any(|name| name == subject.name);
        SUBJECTS.iter().filter(wanted)
    }

    /// How often something is done: `long` times by default, `short` times in the short version.
    pub fn times(&self, long: u64, short: u64) -> u64 {
        let times = if self.short { short } else { long };
        ((times as f64 * self.scale).round() as u64).max(1)
    }
}

fn unknown(word: &str) -> String {
    let known: Vec<_> =
        SUBJECTS.iter().map(|subject| format!("{:<11}  {}", subject.name, subject.shows)).collect();
    format!("no such subject or option: {word}; there are\n{}", known.join("\n"))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number that fits\n{USAGE}"))
}

/// The number in a variable of the environment, if it is set.
///
/// # Panics
/// When it is none.
pub fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// A number that is another one each time.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64)
}
