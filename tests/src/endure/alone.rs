//! Faults that take a process of their own: the part that it plays, and what the one that started it sees.

use std::time::Duration;

use multicore::{Config, Pool, Result, Start};
use nix::sys::resource::{Resource, setrlimit};

use super::faults::GONE;
use super::found::outcome;
use super::kills;
use super::part;
use super::stage::{Seen, Stage};
use crate::{moment, tasks, wild};

/// A process of its own plays the part and tells what it saw.
fn told(stage: &Stage, name: &str, variables: &[(&str, &str)]) -> Seen {
    let fixture = part(&stage.method, "fault", &[name]);
    let fixture = variables.iter().fold(fixture, |fixture, (name, value)| fixture.env(name, value));
    let text = outcome(fixture.run());
    Seen::from_line(text.trim_end()).unwrap_or_else(|| panic!("{text:?} is not what was seen"))
}

/// What the process plays: from the first thing that a program asks to the error.
///
/// # Panics
/// When there is no such part.
pub fn play(method: &str, name: &str) {
    let limit = |resource, value| setrlimit(resource, value, value).expect("a lower limit");
    match name {
        "twins" => wild::register_twins(),
        // Seen by processes that are forked, and not by those that are started again.
        "strange" => wild::register_stranger(),
        "no descriptors" => limit(Resource::RLIMIT_NOFILE, 4),
        "no file" => limit(Resource::RLIMIT_FSIZE, 8192),
        "threads" => drop(std::thread::spawn(|| std::thread::sleep(Duration::from_secs(60)))),
        "as it is" => {}
        other => panic!("no such fault: {other}"),
    }
    let moment = moment::now();
    let seen = Seen::now(moment, first_call(method));
    println!("{}", seen.line());
}

fn first_call(method: &str) -> Result<u64> {
    let start = if method == "fork" { Start::Fork } else { Start::Exec };
    multicore::initialize_with(Config::new().start(start))?;
    tasks::square::call(7).get()?;
    Pool::builder().build()?.spawn(tasks::square::call(7))?.get()
}

/// Its table of tasks cannot be used.
pub fn twins(stage: &Stage) -> Seen {
    told(stage, "twins", &[])
}

/// It knows one task more than its workers.
pub fn strange(stage: &Stage) -> Seen {
    told(stage, "strange", &[])
}

/// It has standard input, output and error, and room for one more.
pub fn no_descriptors(stage: &Stage) -> Seen {
    told(stage, "no descriptors", &[])
}

/// No region is as small as that.
pub fn no_file(stage: &Stage) -> Seen {
    told(stage, "no file", &[])
}

/// It asks for a fork where it has two.
pub fn threads(stage: &Stage) -> Seen {
    told(stage, "threads", &[])
}

/// None of its workers becomes ready.
pub fn start_hook(stage: &Stage) -> Seen {
    told(stage, "as it is", &[("MULTICORE_TEST_START_HOOK", "no licence"), ("MULTICORE_WORKERS", "1")])
}

/// It is told to have so many workers.
pub fn bad_variable(stage: &Stage) -> Seen {
    told(stage, "as it is", &[("MULTICORE_WORKERS", "many")])
}

/// It is told to fail in a way that there is not.
pub fn bad_fault(stage: &Stage) -> Seen {
    told(stage, "as it is", &[("MULTICORE_FAULT", "explode:square")])
}

/// And nobody outlives it.
pub fn client_dies(stage: &Stage) -> Seen {
    let killed = kills::once(&stage.method);
    let back = if killed.survivors == 0 { GONE.to_owned() } else { format!("{} survive", killed.survivors) };
    Seen { after: killed.longest, told: back.clone(), back }
}
