//! The yardstick: multicore, a bare prototype, the machine's limits and the peers, on the same jobs.
//!
//! Each sample is taken in a process of its own (`sample JOB WHO`), which prints its figures; the process
//! that was started by a person has everybody take turns ([`rounds`]) and prints the table ([`table`]).

mod build_cost;
mod contenders;
mod figure;
mod jobs;
mod options;
mod place;
mod quiet;
mod raw;
mod rounds;
mod table;
mod wanted;
mod work;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};

use crate::contenders::Contender;
use crate::jobs::Job;
use crate::options::{Command, Options, Run};

fn main() -> ExitCode {
    contenders::before_main();
    match run(Options::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::All(run) => compare(&run, Contender::value_variants(), 5, 12),
        Command::Quick(run) => compare(&run, Contender::WITHOUT_PEERS, 3, 100),
        Command::BuildCost { functions, rounds } => build_cost::print(functions, rounds),
        Command::Sample { job, contender } => {
            job.measure(contender)?.iter().for_each(|figure| println!("{figure}"));
            Ok(())
        }
        #[cfg(feature = "peers")]
        Command::ServeIpcChannel { name } => contenders::serve_ipc_channel(name),
        Command::SayHello => {
            print!("!");
            Ok(())
        }
    }
}

fn compare(run: &Run, contenders: &[Contender], rounds: u32, noise: u8) -> Result<()> {
    let jobs = if run.jobs.is_empty() { Job::value_variants() } else { &run.jobs };
    let contenders = if run.contenders.is_empty() { contenders } else { &run.contenders };
    if let Some(absent) = run.contenders.iter().find(|contender| !contender.is_built_in()) {
        bail!("{} takes part where this program is built with `--features peers`", absent.name());
    }
    let takes_part = |contender: &Contender| jobs.iter().any(|&job| contender.plays(job));
    let contenders: Vec<Contender> = contenders.iter().copied().filter(takes_part).collect();
    if contenders.is_empty() {
        bail!("none of these contenders takes part in any of these jobs");
    }
    for contender in &contenders {
        contender.prepare()?;
    }
    let (rounds, noise) = (run.rounds.unwrap_or(rounds), run.noise.unwrap_or(noise));
    let results = rounds::run(jobs, &contenders, rounds, noise)?;
    table::print(&results, jobs, &contenders);
    wanted::print(&results, jobs, &contenders);
    println!(
        "\n{rounds} rounds, medians; {} of {} samples dropped because others held more than {noise} % of the machine",
        results.dropped, results.taken
    );
    Ok(())
}
