//! One client thread, and what it asks for.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use multicore::{Call, Handle, Pool};

use super::tally::Tally;
use crate::payload::Random;

/// A thread's calls have numbers of their own.
const NUMBERS: u64 = 1 << 26;
/// How often a call of some may be run again.
const RETRIES: u32 = 2;
/// A call that has not settled by then hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is not to be waited for, in microseconds.
const ENDLESS: u64 = 600_000_000;

/// Notes that call `n` is run, spends a little time, and answers.
#[multicore::task]
fn work(notes: &str, n: u64, microseconds: u64) -> u64 {
    let notes = File::options().read(true).write(true).open(notes).expect("somebody made the file");
    let before = runs(&notes, n);
    notes.write_all_at(&[before + 1], n).expect("a write");
    thread::sleep(Duration::from_micros(microseconds));
    n * 3
}

/// How often call `n` was begun. The file ends behind the last that was.
fn runs(notes: &File, n: u64) -> u8 {
    let mut runs = [0];
    let _ = notes.read_at(&mut runs, n).expect("a read");
    runs[0]
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Plain,
    /// To be run again when its worker dies.
    Retried,
    /// Cancelled soon after it was sent.
    Cancelled,
    /// Longer than its timeout.
    Endless,
    /// Its handle is dropped.
    Detached,
}

impl Kind {
    fn any(random: &mut Random) -> Kind {
        match random.below(50) {
            0 => Kind::Endless,
            1..3 => Kind::Detached,
            3..6 => Kind::Cancelled,
            6..18 => Kind::Retried,
            _ => Kind::Plain,
        }
    }

    fn ask(self, call: Call<'_, u64>) -> Call<'_, u64> {
        match self {
            Kind::Retried => call.retries(RETRIES),
            Kind::Endless => call.timeout(Duration::from_millis(3)),
            _ => call,
        }
    }

    /// The most often that the call may be begun.
    pub(super) fn most(self) -> u8 {
        if self == Kind::Retried { 1 + RETRIES as u8 } else { 1 }
    }
}

/// One client thread.
pub(super) struct Client {
    path: String,
    notes: File,
    /// Its first number.
    first: u64,
    random: Random,
    tally: Tally,
    /// For each of its calls how often it may have been begun in the end.
    most: Vec<u8>,
    /// The numbers of those that it detached.
    detached: Vec<u64>,
}

impl Client {
    /// The thread of this number, which decides by the seed.
    pub(super) fn new(thread: u64, path: &str, seed: u64) -> Client {
        Client {
            path: path.to_owned(),
            notes: File::open(path).expect("somebody made the file"),
            first: thread * NUMBERS,
            random: Random::new(seed.wrapping_add(thread)),
            tally: Tally::default(),
            most: Vec::new(),
            detached: Vec::new(),
        }
    }

    /// Calls until the killer is through; a few are always under way.
    pub(super) fn run(mut self, pool: &Pool, over: &AtomicBool) -> Client {
        while !over.load(Relaxed) {
            let group: Vec<_> = (0..1 + self.random.below(20)).filter_map(|_| self.send(pool)).collect();
            for (n, kind, handle) in group {
                if kind == Kind::Cancelled {
                    handle.cancel();
                }
                match handle.get_timeout(PATIENCE) {
                    Ok(outcome) => {
                        let runs = runs(&self.notes, n);
                        self.tally.settle(n, kind, runs, outcome);
                        let most = &mut self.most[(n - self.first) as usize];
                        *most = runs.min(*most);
                    }
                    Err(_hangs) => self.tally.hung += 1,
                }
            }
        }
        self
    }

    /// Sends the next call; its handle, unless it is detached.
    fn send(&mut self, pool: &Pool) -> Option<(u64, Kind, Handle<u64>)> {
        let n = self.first + self.most.len() as u64;
        assert!(n < self.first + NUMBERS, "a thread's numbers are enough");
        let kind = Kind::any(&mut self.random);
        let microseconds = if kind == Kind::Endless { ENDLESS } else { self.random.below(300) };
        self.most.push(kind.most());
        self.tally.made += 1;
        let handle = pool.spawn(kind.ask(work::call(&self.path, n, microseconds))).expect("a slot");
        if kind == Kind::Detached {
            self.tally.detached += 1;
            self.detached.push(n);
            return None;
        }
        Some((n, kind, handle))
    }

    /// Once nobody runs anything any more.
    pub(super) fn counted(mut self) -> Tally {
        let mut begun = vec![0; self.most.len()];
        let mut read = 0;
        while let Ok(more @ 1..) = self.notes.read_at(&mut begun[read..], self.first + read as u64) {
            read += more;
        }
        let over = begun.iter().zip(&self.most).filter(|(begun, most)| begun > most).count();
        self.tally.duplicated = over as u64;
        let detached = self.detached.iter().filter(|&&n| begun[(n - self.first) as usize] > 0).count();
        self.tally.detached_begun = detached as u64;
        self.tally
    }
}
