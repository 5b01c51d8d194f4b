//! Fault points: named places in the protocol at which a test lets a process die. Compiled in by
//! `--cfg multicore_faults` alone.

/// Dies here if `MULTICORE_FAULT_POINT` names this point: `point`, a colon, then `kill`, `abort` or
/// `stop`; and, after another colon, the file whose creation makes it happen only once.
#[cfg(multicore_faults)]
pub(crate) fn point(name: &str) {
    let Ok(wanted) = std::env::var("MULTICORE_FAULT_POINT") else { return };
    let mut parts = wanted.splitn(3, ':');
    if parts.next() != Some(name) {
        return;
    }
    let how = parts.next().unwrap_or("kill");
    if let Some(once) = parts.next()
        && std::fs::OpenOptions::new().write(true).create_new(true).open(once).is_err()
    {
        return;
    }
    let signal = match how {
        "abort" => libc::SIGABRT,
        "stop" => libc::SIGSTOP,
        _ => libc::SIGKILL,
    };
    // SAFETY: `kill` on this very process touches no memory.
    unsafe { libc::kill(libc::getpid(), signal) };
}

/// As above: nothing, in a build without fault points.
#[cfg(not(multicore_faults))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}
