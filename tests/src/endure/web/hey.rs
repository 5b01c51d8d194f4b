//! The tool that makes the load: `hey`.
//!
//! Why this one: Debian has it, so it is there in a second (`oha` compiles for minutes). It tells each answer's time
//! and status, so that pages and refusals have percentiles of their own. `wrk` needs half of its time on a core for a
//! page and a fifth for a refusal (0.3 and 0.05 ms), but its percentiles tell no statuses apart, and it adds answers
//! that never were, for requests that a slow one may have kept from being made: among quick refusals that makes no
//! sense.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::endure::found::outcome;
use crate::endure::sheet::Times;
use crate::fixture::Fixture;
use crate::watch::{LONG, within};

use super::client::PATIENCE;

/// What it is to print: its output is a template, of which `csv` is one that leaves out the errors.
const TEMPLATE: &str =
    "{{ range $at, $took := .Lats }}{{ index $.StatusCodes $at }} {{ printf \"%.9f\" $took }}
{{ end }}{{ range $error, $times := .ErrorDist }}error {{ $times }} {{ $error }}
{{ end }}total {{ .NumRes }} {{ printf \"%.9f\" .Total.Seconds }}
";

/// What came back under a load.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// By status; of more than a million answers, the first million.
    pub(super) statuses: BTreeMap<u16, Times>,
    /// Requests without an answer, and why.
    pub(super) errors: Vec<String>,
    /// Requests, with an answer or without.
    all: u64,
    /// How long it took, as the tool says.
    pub(super) elapsed: Duration,
}

impl Answers {
    /// Those of this status; none is none.
    pub(super) fn of(&self, status: u16) -> Times {
        self.statuses.get(&status).cloned().unwrap_or_default()
    }

    /// How many came a second.
    pub(super) fn rate(&self, status: u16) -> f64 {
        let told: usize = self.statuses.values().map(Times::count).sum();
        let share = self.of(status).count() as f64 / told.max(1) as f64;
        share * self.all as f64 / self.elapsed.as_secs_f64()
    }
}

/// Whether it is there.
///
/// # Errors
/// What to do otherwise.
pub(super) fn find() -> Result<(), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join("hey").is_file());
    if found { Ok(()) } else { Err("`hey` is not installed: apt-get install hey".to_owned()) }
}

/// Has so many connections ask for this address for so long, each as soon as it has its answer.
///
/// # Panics
/// When the tool does not do what it is to do.
pub(super) fn run(connections: usize, seconds: u64, url: &str) -> Answers {
    let numbers = [connections.to_string(), format!("{seconds}s"), PATIENCE.as_secs().to_string()];
    let [connections, duration, patience] = numbers.each_ref().map(String::as_str);
    let options = ["-c", connections, "-z", duration, "-t", patience, "-disable-redirects"];
    let tool = Fixture::new("hey", &[&options[..], &["-o", TEMPLATE, url]].concat());
    let told = within(LONG + seconds + PATIENCE.as_secs(), || outcome(tool.run()));
    read(&told).unwrap_or_else(|| panic!("hey told something else: {told}"))
}

fn read(told: &str) -> Option<Answers> {
    let mut answers = Answers::default();
    for line in told.lines().filter(|line| !line.trim().is_empty()) {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "error" => answers.errors.push(rest.to_owned()),
            "total" => {
                let (count, seconds) = rest.split_once(' ')?;
                answers.elapsed = Duration::from_secs_f64(seconds.parse().ok()?);
                answers.all = count.parse().ok()?;
            }
            status => {
                let took = Duration::from_secs_f64(rest.parse().ok()?);
                answers.statuses.entry(status.parse().ok()?).or_default().add(took);
            }
        }
    }
    // It is the last line, and no load is as short as nothing.
    (!answers.elapsed.is_zero()).then_some(answers)
}
