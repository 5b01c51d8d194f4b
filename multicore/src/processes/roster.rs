//! The roster: which worker sits in which seat, for the client to read once the supervisor is dead.
//!
//! Every worker puts its own name down, before it closes the descriptor and before any user code runs;
//! the supervisor strikes it out before it collects the worker. So the workers on a dead supervisor's
//! roster are those whose numbers were taken when it died, and nobody that runs user code can read
//! the file or write to it.
//!
//! A worker alone needs no roster: the kernel kills it with its supervisor. Its children do, and the
//! worker where a change of user in a call took the kernel's promise away.
//!
//! **Why no stranger is hit.** A process is ended when its group is a worker's, and:
//! - the worker itself is there, with the start time that it noted: nobody else can lead that group; or
//! - nobody has the worker's number: the group has kept its number since, because the kernel gives a
//!   number to nobody while a group bears it. All members have the worker's session and started no
//!   earlier than it, which is checked as well: a group that died out, and whose number came round
//!   again to a leader that is gone too, would have to do so within the same session.
//!
//! Whoever else has the worker's number proves that its group had died out. Each process is then
//! signalled by a descriptor, which is opened before it is looked at for the last time.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::uio::{pread, pwrite};
use nix::unistd::Pid;

use crate::error::{Error, Result};
use crate::sys::process::{self, Stat};
use crate::sys::{memfd, pidfd};

/// How long the members of a group may take to die of SIGKILL.
const DIE: Duration = Duration::from_secs(1);
/// Between two looks at them.
const LOOK: Duration = Duration::from_millis(1);

/// One supervisor's list of its workers; client and supervisor have a descriptor each.
pub(super) struct Roster {
    file: OwnedFd,
    seats: usize,
}

/// A worker as it stands on the roster: its number, session and start time.
#[derive(Clone, Copy, Debug)]
struct Member {
    pid: Pid,
    session: Pid,
    started: u64,
}

const ENTRY: usize = 3 * size_of::<u64>();

impl Roster {
    /// An empty one.
    ///
    /// # Errors
    /// `Os` from `memfd_create`, `ftruncate` or `fallocate`.
    pub(super) fn new(seats: usize) -> Result<Roster> {
        let file = memfd::create(c"multicore: roster")?;
        let len = (seats * ENTRY) as u64;
        memfd::set_len(file.as_fd(), len)?;
        // So that no worker finds that there is no memory.
        memfd::provide(file.as_fd(), 0, len).map_err(|e| Error::os("fallocate", e))?;
        Ok(Roster { file, seats })
    }

    /// The one that the client made.
    pub(super) fn of(file: OwnedFd, seats: usize) -> Roster {
        Roster { file, seats }
    }

    /// For the other side.
    pub(super) fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// In a worker that leads its group and has run no user code: puts its name down.
    ///
    /// Without `/proc` it cannot; the client could not look either.
    pub(super) fn note(&self, seat: usize) {
        let Some(own) = process::stat(Pid::this()) else { return };
        self.write(seat, Member { pid: own.pid, session: own.session, started: own.started });
    }

    /// In the supervisor, before the worker is collected.
    pub(super) fn strike(&self, seat: usize) {
        self.write(seat, Member { pid: Pid::from_raw(0), session: Pid::from_raw(0), started: 0 });
    }

    fn write(&self, seat: usize, member: Member) {
        let numbers = [member.pid.as_raw() as u64, member.session.as_raw() as u64, member.started];
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        // Memory that is there: it cannot fail.
        let _ = pwrite(&self.file, &bytes, (seat * ENTRY) as libc::off_t);
    }

    fn members(&self) -> Vec<Member> {
        let mut bytes = vec![0; self.seats * ENTRY];
        let read = pread(&self.file, &mut bytes, 0).unwrap_or(0);
        let entries = bytes[..read].chunks_exact(ENTRY);
        let members = entries.map(|entry| {
            let mut numbers =
                entry.chunks_exact(8).map(|bytes| bytes.try_into().map_or(0, u64::from_ne_bytes));
            let mut next = || numbers.next().unwrap_or(0);
            let mut process = || Pid::from_raw(next() as i32);
            Member { pid: process(), session: process(), started: next() }
        });
        members.filter(|member| member.pid.as_raw() > 1).collect()
    }

    /// With the supervisor dead: kills every worker that is on the roster and everybody in its group, and
    /// collects those that became children of this process.
    ///
    /// Whoever the kernel does not let this process end, after a change of user, stays.
    pub(super) fn end_families(&self) {
        let members = self.members();
        let until = Instant::now() + DIE;
        while !members.is_empty() {
            match sweep(&members) {
                Ok(0) | Err(_) => return,
                Ok(_) if Instant::now() > until => return,
                Ok(_) => std::thread::sleep(LOOK),
            }
        }
    }
}

/// Kills all members of the groups, and once nobody lives collects the dead; how many may still come to
/// an end.
fn sweep(members: &[Member]) -> io::Result<usize> {
    let all = process::all()?;
    // A number that another process has by now is no group of ours any more.
    let groups: Vec<&Member> = members.iter().filter(|member| !member.is_succeeded(&all)).collect();
    let family = all.iter().filter(|process| groups.iter().any(|member| member.owns(process)));
    let (dead, living): (Vec<&Stat>, Vec<&Stat>) = family.partition(|process| process.has_ended());
    if !living.is_empty() {
        return Ok(living.into_iter().filter(|process| kill(process)).count());
    }
    // A dead leader that is not yet collected keeps its number from others: until now it was needed.
    dead.into_iter().filter(|process| process.parent == Pid::this()).for_each(collect);
    Ok(0)
}

impl Member {
    fn is_succeeded(&self, all: &[Stat]) -> bool {
        all.iter().any(|process| process.pid == self.pid && process.started != self.started)
    }

    /// The worker itself, also where it left its group, and everybody in that.
    fn owns(&self, process: &Stat) -> bool {
        let itself = process.pid == self.pid;
        let below = process.group == self.pid && process.started >= self.started;
        process.session == self.session && (itself || below)
    }
}

/// Whether it will die of it.
fn kill(process: &Stat) -> bool {
    this_very(process).is_none_or(|process| pidfd::signal(process.as_fd(), Signal::SIGKILL).is_ok())
}

fn collect(process: &Stat) {
    if let Some(process) = this_very(process) {
        pidfd::collect(process.as_fd());
    }
}

/// A descriptor of the process that was seen; `None` when it is gone.
fn this_very(seen: &Stat) -> Option<OwnedFd> {
    let process = pidfd::of(seen.pid).ok()?;
    let now = process::stat(seen.pid)?;
    (now.started == seen.started && now.group == seen.group).then_some(process)
}

#[cfg(test)]
mod test;
