//! The Python peers, measured by `python/sample.py` in an environment that is made at first use.
//!
//! `MULTICORE_PEERS_PYTHON` names the interpreter, `python3` unless it is set. The standard library's
//! pools need nothing more; the original `multicore` 0.1.1 comes by pip.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Contender;
use crate::figure::Figure;
use crate::jobs::Job;

/// The jobs of the standard library's pools.
pub(super) const POOL_JOBS: &[Job] =
    &[Job::J1, Job::J2, Job::Batch, Job::J3, Job::J4, Job::J5, Job::J6, Job::J7, Job::J9];

/// And those of the original. Its buffers hold 9 kB, and 16 calls.
pub(super) const ORIGINAL_JOBS: &[Job] = &[Job::J1, Job::J2, Job::J4, Job::J5, Job::J6, Job::J7, Job::J9];

/// What pip is asked for.
const ORIGINAL: &str = "multicore==0.1.1";

/// Has the script measure one job once.
pub(super) fn figures(contender: Contender, job: Job) -> Result<Vec<Figure>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/sample.py");
    let mut command = match contender {
        Contender::Original => Command::new(environment()?.join("bin/python")),
        _ => Command::new(interpreter()),
    };
    command.args([script, &job.name(), &contender.name()]).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("{}: is there a Python?", interpreter()))?;
    ensure!(output.status.success(), "python/sample.py failed: {}", output.status);
    String::from_utf8(output.stdout)?.lines().map(Figure::parse).collect()
}

fn interpreter() -> String {
    std::env::var("MULTICORE_PEERS_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// The folder of the environment that has the original, beside this program.
fn environment() -> Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("python-original");
    let made = beside.join("made");
    if !made.exists() {
        let run = |command: &mut Command| {
            let status = command.stdout(Stdio::null()).status()?;
            ensure!(status.success(), "{command:?} failed: {status}");
            Ok(())
        };
        run(Command::new(interpreter()).args(["-m", "venv"]).arg(&beside))?;
        run(Command::new(beside.join("bin/pip")).args(["install", "--quiet", ORIGINAL]))?;
        std::fs::write(&made, ORIGINAL)?;
    }
    Ok(beside)
}

/// Makes the environment, which takes seconds, before anything is measured.
pub(super) fn prepare() -> Result<()> {
    environment().map(drop)
}
