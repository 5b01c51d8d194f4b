//! What options mean on this machine.

use std::os::unix::ffi::OsStrExt;

use super::Limits;
use super::settle::{WARM_MEMORY, within};
use crate::error::{Error, Result};
use crate::shm::layout::MAX_SLOTS;
use crate::sys::{memfd, process};

/// Enough for a thousand calls in flight. Each costs a header of 256 bytes and address space, which where that
/// is limited had better go to large payloads.
pub(super) fn default_slots(workers: usize) -> usize {
    match memfd::address_space_left().or_else(memfd::file_size_limit) {
        None => (workers * 64).clamp(1024, MAX_SLOTS),
        Some(_) => (workers * 16).clamp(64, MAX_SLOTS),
    }
}

/// The fewest descriptors that a worker can do with: its own, and a few for the task.
const LEAST_FILES: u64 = 16;
/// Below this no program starts its `main`.
const LEAST_DATA: u64 = 4 << 20;
/// The most bytes of names and values, which travel in one message.
const MOST_VARIABLES: usize = 32 << 10;

pub(super) fn checked(limits: Limits) -> Result<Limits> {
    within("max_calls", limits.max_calls.unwrap_or(1), 1, u64::MAX)?;
    within("data_limit", limits.data.unwrap_or(LEAST_DATA), LEAST_DATA, u64::MAX - 1)?;
    within("file_limit", limits.files.unwrap_or(LEAST_FILES), LEAST_FILES, u64::MAX - 1)?;
    let most = process::most_files();
    if limits.files.is_some_and(|files| files > most) {
        let why = format!("this process itself may open {most} at most; raise `ulimit -Hn`");
        return Err(Error::config("file_limit", why));
    }
    within("niceness", limits.niceness.unwrap_or(0), -20, 19)?;
    if limits.cpu.is_some_and(|time| time.is_zero()) {
        return Err(Error::config("cpu_limit", "0 would end every worker; leave it out for none"));
    }
    if let Some(usable) = process::usable_cpus()
        && let Some(other) = limits.cpus.iter().find(|cpu| !usable.contains(cpu))
    {
        let why = format!("core {other} is none of those that this process may use: {usable:?}");
        return Err(Error::config("cpus", why));
    }
    for (name, value) in &limits.variables {
        let (name, value) = (name.as_bytes(), value.as_bytes());
        if name.is_empty() || name.contains(&b'=') || name.contains(&0) || value.contains(&0) {
            let why = "a name is not empty and has no `=`, and neither name nor value has a zero byte";
            return Err(Error::config("env", why));
        }
    }
    let bytes: usize = limits.variables.iter().map(|(name, value)| name.len() + value.len() + 16).sum();
    within("env", bytes, 0, MOST_VARIABLES)?;
    Ok(limits)
}

/// Each worker to one core, by name.
pub(super) fn pinned(mut limits: Limits) -> Result<Limits> {
    if limits.cpus.is_empty() {
        limits.cpus = process::usable_cpus().ok_or_else(|| {
            Error::config("pin", "the kernel does not tell which cores there are; name them by `cpus`")
        })?;
    }
    Ok(Limits { cpus: process::spread(limits.cpus), pin: true, ..limits })
}

/// Not much of what a cgroup allows.
pub(super) fn warm_by_default() -> u64 {
    process::memory_of_cgroup().map_or(WARM_MEMORY, |memory| WARM_MEMORY.min(memory / 16))
}
