//! What `/proc` says about processes.

use std::fs::{self, File};
use std::io::{self, Read};

use nix::unistd::Pid;

/// One process, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: Pid,
    state: u8,
    pub(crate) parent: Pid,
    pub(crate) group: Pid,
    pub(crate) session: Pid,
    threads: u64,
    /// When it started, in clock ticks since the machine did: with the pid, this process and no other.
    pub(crate) started: u64,
}

impl Stat {
    /// Whether it has ended, and perhaps waits to be collected.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }

    /// Whether none of its threads will ever run again: its first one may have ended before the others.
    pub(crate) fn has_ended_whole(&self) -> bool {
        self.has_ended() && self.threads <= 1
    }

    /// Whether a signal stopped it; one that a debugger holds is not meant.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state == b'T'
    }
}

/// One process; `None` when there is none of this number, or no `/proc`.
pub(crate) fn stat(pid: Pid) -> Option<Stat> {
    let mut buffer = [0; 1024];
    // One read gets all of it.
    let len = File::open(format!("/proc/{pid}/stat")).and_then(|mut file| file.read(&mut buffer)).ok()?;
    let text = String::from_utf8_lossy(&buffer[..len]);
    // "pid (name) state ppid pgrp session ...", and the name may contain anything.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').take(20).collect();
    let process = |at: usize| fields.get(at)?.parse().ok().map(Pid::from_raw);
    Some(Stat {
        pid,
        state: *fields.first()?.as_bytes().first()?,
        parent: process(1)?,
        group: process(2)?,
        session: process(3)?,
        threads: fields.get(17)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// All processes that this one may see; those that come or go meanwhile may be missing.
///
/// # Errors
/// When `/proc` is not mounted.
pub(crate) fn all() -> io::Result<Vec<Stat>> {
    let entries = fs::read_dir("/proc")?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(pids.filter_map(|pid| stat(Pid::from_raw(pid))).collect())
}
