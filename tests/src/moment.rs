//! Moments on the machine's monotonic clock, which mean the same in every process; and notes of them.

use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::watch::eventually;

/// Nanoseconds since some moment before all processes.
///
/// # Panics
/// Never on Linux, which has this clock.
pub fn now() -> u64 {
    Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the clock")).as_nanos() as u64
}

/// How long ago that was.
pub fn since(moment: u64) -> Duration {
    Duration::from_nanos(now().saturating_sub(moment))
}

/// What somebody wrote down.
#[derive(Clone, Debug)]
pub struct Note {
    /// When.
    pub at: u64,
    /// Who: the process itself, then its children.
    pub pids: Vec<i32>,
}

/// Writes down this moment and this process. The file is opened before the clock is read, so that what
/// follows is late by one small write.
///
/// # Panics
/// When there is no such folder.
pub fn note(path: &str) {
    let mut file = File::create(path).expect("a folder for notes");
    writeln!(file, "{} {}", now(), std::process::id()).expect("a note");
}

/// Writes down a moment that has passed, this process and its children.
///
/// # Panics
/// When there is no such folder.
pub fn note_of(moment: u64, children: &[u32], path: &str) {
    let own = format!("{moment} {}", std::process::id());
    let line = children.iter().fold(own, |line, child| format!("{line} {child}"));
    fs::write(path, line + "\n").expect("a folder for notes");
}

/// Takes a note away and reads it, if it is there.
///
/// # Panics
/// When it is no note.
pub fn look(path: &str) -> Option<Note> {
    let text = fs::read_to_string(path).ok().filter(|text| text.ends_with('\n'))?;
    fs::remove_file(path).expect("the note");
    let mut numbers = text.split_whitespace();
    let at = numbers.next().and_then(|word| word.parse().ok()).expect("a moment");
    Some(Note { at, pids: numbers.map(|word| word.parse().expect("a process")).collect() })
}

/// Waits for a note, takes it away and reads it.
///
/// # Panics
/// When nobody writes it.
#[track_caller]
pub fn noted(path: &str) -> Note {
    let mut note = None;
    eventually("it was noted", || {
        note = look(path);
        note.is_some()
    });
    note.expect("just seen")
}
