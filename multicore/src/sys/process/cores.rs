//! Which cores there are, and in which order processes are best spread over them.

use std::fs;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::{Error, Result};

/// Keeps this process to these cores.
///
/// # Errors
/// `Os` from `sched_setaffinity`: EINVAL when it may use none of them.
pub(crate) fn run_on(cpus: &[usize]) -> Result<()> {
    let refused = |error| Error::os("sched_setaffinity", error);
    let mut set = CpuSet::new();
    cpus.iter().try_for_each(|cpu| set.set(*cpu)).map_err(refused)?;
    sched_setaffinity(Pid::from_raw(0), &set).map_err(refused)
}

/// The core that this thread runs on just now.
pub(crate) fn core() -> Option<usize> {
    // SAFETY: no arguments; it says where this thread runs, or -1.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// Moves this thread to a core that is `free`, if it may run on one; afterwards it may run where it might before.
pub(crate) fn go_where(free: impl Fn(usize) -> bool) {
    let this = Pid::from_raw(0);
    let Ok(usable) = sched_getaffinity(this) else { return };
    let core = (0..CpuSet::count()).find(|core| usable.is_set(*core) == Ok(true) && free(*core));
    if core.is_some_and(|core| run_on(&[core]).is_ok()) {
        // Refused only where none of these cores is left.
        let _ = sched_setaffinity(this, &usable);
    }
}

/// The cores that this process may run on; `None` where the kernel does not tell.
pub(crate) fn usable_cpus() -> Option<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0)).ok()?;
    Some((0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect())
}

/// The same cores, so that the first few share as little as they can: one of each physical core before its
/// siblings.
pub(crate) fn spread(cpus: Vec<usize>) -> Vec<usize> {
    spread_by(cpus, |cpu| {
        let list = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        // A core of which nothing is known is one by itself.
        fs::read_to_string(list).unwrap_or_else(|_| cpu.to_string())
    })
}

/// As [`spread`], by what is the same for the siblings of one physical core.
pub(in crate::sys) fn spread_by(cpus: Vec<usize>, siblings: impl Fn(usize) -> String) -> Vec<usize> {
    let cores: Vec<String> = cpus.iter().map(|cpu| siblings(*cpu)).collect();
    let ranked = cpus.iter().enumerate().map(|(at, cpu)| {
        let before = cores[..at].iter().filter(|core| **core == cores[at]).count();
        (before, *cpu)
    });
    let mut ranked: Vec<(usize, usize)> = ranked.collect();
    ranked.sort_by_key(|(before, _)| *before);
    ranked.into_iter().map(|(_, cpu)| cpu).collect()
}
