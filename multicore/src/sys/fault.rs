//! Fault points: named places in the protocol at which a test lets a process die, compiled in by
//! `--cfg multicore_faults` alone; and a fault for whoever asks for one.

/// Dies here if `MULTICORE_FAULT_POINT` names this point: `point`, a colon, then `kill`, `abort` or
/// `stop`; and, after another colon, the file whose creation makes it happen only once. Commas
/// separate several.
#[cfg(multicore_faults)]
pub(crate) fn point(name: &str) {
    let Ok(plan) = std::env::var("MULTICORE_FAULT_POINT") else { return };
    for part in plan.split(',') {
        let mut parts = part.splitn(3, ':');
        if parts.next() == Some(name) {
            happen(parts.next().unwrap_or("kill"), parts.next());
        }
    }
}

#[cfg(multicore_faults)]
fn happen(how: &str, once: Option<&str>) {
    if let Some(once) = once
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

/// Stores where nothing is mapped, so that the kernel sends a real SIGSEGV: a raised one returns in a
/// Rust program.
pub(crate) fn bad_store() {
    // SAFETY: page 0 is never mapped, so the store ends the process, as it is asked to, and changes
    // nothing; volatile, so that the compiler leaves it in.
    unsafe { std::ptr::without_provenance_mut::<u64>(8).write_volatile(1) };
}
