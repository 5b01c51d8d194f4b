//! Which process has a place in a queue's table of owners, and whether it lives.
//!
//! A place holds the process's number and the moment of its start: a number that means another process by now
//! does not fool anybody. Only what certainly is dead counts as dead, so that no item is given to two.

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::sys::process;

/// Bits of a process's number; Linux has 4 million at most.
const PID_BITS: u32 = 22;

/// A process as one word, in a place of the table; 0 is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(pub(super) u64);

impl Identity {
    /// This process.
    pub(super) fn own() -> Identity {
        let pid = Pid::this();
        // Without `/proc` its number has to do.
        let started = process::stat(pid).map_or(0, |stat| stat.started);
        Identity(started << PID_BITS | pid.as_raw() as u64)
    }

    /// Whether no thread of it runs or ever will.
    pub(super) fn is_dead(self) -> bool {
        let (pid, started) = (Pid::from_raw((self.0 & ((1 << PID_BITS) - 1)) as i32), self.0 >> PID_BITS);
        // Number 0 would mean this process's group.
        if pid.as_raw() == 0 || kill(pid, None) == Err(Errno::ESRCH) {
            return true;
        }
        // Who cannot be looked at, for want of a descriptor or of the right, is there all the same.
        process::stat(pid)
            .is_some_and(|stat| stat.has_ended_whole() || (started != 0 && stat.started != started))
    }
}
