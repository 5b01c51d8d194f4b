//! Everybody in turn, round after round: what disturbs one disturbs all.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::contenders::Contender;
use crate::figure::{Figure, Unit, median};
use crate::jobs::Job;
use crate::quiet::Watch;

/// How long what a sample left behind may take to end.
const ORPHANS_END: Duration = Duration::from_secs(5);

/// A column in a row.
type Key = (Job, String, Contender);

/// All that was measured.
#[derive(Default)]
pub struct Results {
    /// What the quiet rounds gave.
    values: HashMap<Key, Vec<f64>>,
    /// The parts of each job in order, with their units.
    parts: HashMap<Job, Vec<(String, Unit)>>,
    /// The share of the machine that others held during each sample of a job, in percent.
    others: HashMap<Job, Vec<f64>>,
    /// Samples that were taken.
    pub taken: usize,
    /// Those that do not count, because too much else was going on.
    pub dropped: usize,
}

impl Results {
    /// Whether there are figures, be it of noisy rounds alone.
    pub fn has(&self, job: Job, part: &str, contender: Contender) -> bool {
        self.values.contains_key(&(job, part.to_owned(), contender))
    }

    /// The median of the quiet rounds.
    pub fn median(&self, job: Job, part: &str, contender: Contender) -> Option<f64> {
        median(self.values.get(&(job, part.to_owned(), contender))?.iter().copied())
    }

    /// The parts of a job that anybody had a figure for.
    pub fn parts(&self, job: Job) -> &[(String, Unit)] {
        self.parts.get(&job).map_or(&[], Vec::as_slice)
    }

    /// What others held of the machine during the job's samples, in percent: the median.
    pub fn others(&self, job: Job) -> Option<f64> {
        median(self.others.get(&job)?.iter().copied())
    }

    fn add(&mut self, job: Job, contender: Contender, samples: &[Vec<Figure>], others: f64, noise: u8) {
        let quiet = noise == 100 || others <= f64::from(noise);
        self.others.entry(job).or_default().push(others);
        self.taken += 1;
        self.dropped += usize::from(!quiet);
        for figure in samples.first().into_iter().flatten() {
            let parts = self.parts.entry(job).or_default();
            if !parts.iter().any(|(part, _)| *part == figure.part) {
                parts.push((figure.part.clone(), figure.unit));
            }
            let same_part = samples.iter().flatten().filter(|other| other.part == figure.part);
            let values = self.values.entry((job, figure.part.clone(), contender)).or_default();
            values.extend(median(same_part.map(|figure| figure.value)).filter(|_| quiet));
        }
    }
}

/// Has every contender do every job in which it takes part, so often.
///
/// # Errors
/// The first sample that fails ends the run: a figure for a wrong answer is none.
pub fn run(jobs: &[Job], contenders: &[Contender], rounds: u32, noise: u8) -> Result<Results> {
    set_child_subreaper(true)?;
    let mut results = Results::default();
    for round in 1..=rounds {
        for &job in jobs {
            progress(&format!("round {round} of {rounds}: {}", job.title()));
            for &contender in contenders.iter().filter(|contender| contender.plays(job)) {
                let watch = Watch::start()?;
                let samples = (0..job.processes()).map(|_| sample(job, contender));
                let samples = samples.collect::<Result<Vec<_>>>()?;
                collect_orphans()
                    .with_context(|| format!("after {} in {}", contender.name(), job.title()))?;
                results.add(job, contender, &samples, watch.others()? * 100.0, noise);
            }
        }
    }
    progress("");
    Ok(results)
}

/// Says what is under way, in place of what was, to whoever watches.
pub fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}

/// One job, once, in a process of its own.
fn sample(job: Job, contender: Contender) -> Result<Vec<Figure>> {
    let what = || format!("{} in {}", contender.name(), job.title());
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["sample", &job.name(), &contender.name()]);
    let output = command.stderr(Stdio::inherit()).output().with_context(what)?;
    ensure!(output.status.success(), "{} failed: {}", what(), output.status);
    let text = String::from_utf8(output.stdout).with_context(what)?;
    text.lines().map(Figure::parse).collect::<Result<_>>().with_context(what)
}

/// Collects what a sample's process has left behind, so that its time on a core counts as its own.
fn collect_orphans() -> Result<()> {
    let start = Instant::now();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
            Err(Errno::ECHILD) => return Ok(()),
            Ok(WaitStatus::StillAlive) => {
                ensure!(start.elapsed() < ORPHANS_END, "a process was left behind and goes on");
                sleep(Duration::from_millis(1));
            }
            collected => drop(collected?),
        }
    }
}
