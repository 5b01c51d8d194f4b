use std::hint::black_box;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use super::{in_child, word_in};
use crate::sys::{memfd, process, signals, stack};

/// Runs `body` in a worker-like child; gives the report word and how the child ended.
fn report_of(body: impl FnOnce()) -> (u32, WaitStatus) {
    let fd = memfd::create(c"test").unwrap();
    memfd::set_len(fd.as_fd(), 4096).unwrap();
    memfd::seal_size(fd.as_fd()).unwrap();
    let word: &'static AtomicU32 = word_in(fd.as_fd(), 128);
    let end = in_child(|| {
        without_core();
        signals::reset_all();
        stack::install().unwrap();
        stack::report_to(word);
        body();
        0
    });
    (word.load(Ordering::Acquire), end)
}

fn without_core() {
    let _ = nix::sys::prctl::set_dumpable(false);
}

#[track_caller]
fn check(expected: u32, signal: Signal, body: impl FnOnce()) {
    let (word, end) = report_of(body);
    assert!(matches!(end, WaitStatus::Signaled(_, with, _) if with == signal), "{end:?}");
    assert_eq!(word, expected);
}

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    recurse(depth + 1) + frame[3]
}

#[allow(unconditional_recursion)]
fn recurse_in_large_frames(depth: u8) -> u8 {
    let frame = black_box([depth; 300_000]);
    recurse_in_large_frames(depth.wrapping_add(1)).wrapping_add(frame[200_000])
}

#[test]
fn endless_recursion_is_reported() {
    check(stack::OVERFLOWED, Signal::SIGSEGV, || {
        black_box(recurse(0));
    });
}

#[test]
fn endless_recursion_in_large_frames_is_reported() {
    check(stack::OVERFLOWED, Signal::SIGSEGV, || {
        black_box(recurse_in_large_frames(0));
    });
}

#[test]
fn a_wild_pointer_is_no_stack_overflow() {
    for address in [8usize, 1 << 46, 1 << 63] {
        check(0, Signal::SIGSEGV, || {
            // SAFETY: none: the fault is the point, and the child dies of it.
            unsafe { libc::memset(black_box(address) as *mut _, 1, 1) };
        });
    }
}

#[test]
fn a_signal_that_was_sent_ends_the_process_too() {
    for signal in [Signal::SIGSEGV, Signal::SIGBUS] {
        check(0, signal, || nix::sys::signal::raise(signal).unwrap());
        check(0, signal, || process::kill(nix::unistd::Pid::this(), signal).unwrap());
    }
}

#[test]
fn next_to_the_stack_is_near_its_pointer() {
    let pointer = 1 << 30;
    for (address, expected) in [
        (pointer, true),
        (pointer - 8, true),
        (pointer + 4096, true),
        (pointer - (1 << 20), true),
        (pointer - (1 << 20) - 1, false),
        (pointer + (64 << 10), false),
        (0, false),
    ] {
        assert_eq!(stack::is_next_to_stack(address, pointer), expected, "{address:#x}");
    }
}
