//! What a forked program does with signals, and what its handlers may read.

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::in_child;
use crate::sys::latest::Latest;
use crate::sys::signals;

#[test]
fn the_reference_that_was_set_last_counts() {
    static LATEST: Latest<u32> = Latest::new();
    assert_eq!(LATEST.get(), None);
    for value in [&1, &2] {
        LATEST.set(value);
        assert_eq!(LATEST.get(), Some(value));
    }
}

/// What was caught is not, what was ignored is ignored still, and what was blocked comes through.
#[test]
fn a_forked_program_has_no_handlers_and_no_mask() {
    let end = in_child(|| {
        signals::bell_for_children().unwrap();
        std::mem::forget(signals::Deaf::begin());
        signals::for_forked().unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let mask = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        // What it does with threads; signals 32 and 33.
        let c_library = 0b11 << 31;
        let bit = |signal: Signal| 1 << (signal as u32 - 1);
        let ignored = bit(Signal::SIGPIPE) | bit(Signal::SIGTTIN) | bit(Signal::SIGTTOU);
        let good =
            mask("SigBlk:") == 0 && mask("SigCgt:") & !c_library == 0 && mask("SigIgn:") & ignored == ignored;
        // Where it is none, the default action.
        kill(Pid::this(), Signal::SIGCHLD).unwrap();
        i32::from(!good)
    });
    assert!(matches!(end, WaitStatus::Exited(_, 0)), "{end:?}");
}
