//! Which core each side is on. What is started later inherits it, whoever starts it.

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Where client and worker are, relative to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Both on one core.
    Same,
    /// On a core each.
    Other,
}

impl Place {
    /// Before workers are started: puts this process, and so them, on their core.
    pub fn workers(self) -> Result<()> {
        match self {
            Place::Same => only(0),
            Place::Other => only(1),
        }
    }

    /// Once they run: puts this process on its own core.
    pub fn client(self) -> Result<()> {
        only(0)
    }
}

/// Puts this process on the n-th core that the machine lets it have.
fn only(nth: usize) -> Result<()> {
    let this = Pid::from_raw(0);
    let all = all_cores()?;
    let core = *all
        .get(nth)
        .with_context(|| format!("this takes {} cores, and there are {}", nth + 1, all.len()))?;
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(this, &set).context("sched_setaffinity")
}

/// The cores that this process had when it was first asked.
fn all_cores() -> Result<&'static [usize]> {
    static ALL: std::sync::OnceLock<Vec<usize>> = std::sync::OnceLock::new();
    if let Some(all) = ALL.get() {
        return Ok(all);
    }
    let set = sched_getaffinity(Pid::from_raw(0)).context("sched_getaffinity")?;
    let cores = (0..CpuSet::count()).filter(|&core| set.is_set(core).unwrap_or(false));
    Ok(ALL.get_or_init(|| cores.collect()))
}
