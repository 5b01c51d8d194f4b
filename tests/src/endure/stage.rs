//! Where faults are observed: pools under one start method, and a folder for notes.

use std::time::Duration;

use multicore::{Call, Error, Handle, Pool, Result};

use crate::fixture::Folder;
use crate::moment;
use crate::procfs::Stat;
use crate::rig::Rig;
use crate::watch::eventually;

/// What there is to observe faults with.
pub struct Stage {
    /// The start method.
    pub method: String,
    /// A pool of two workers.
    pub rig: Rig,
    /// A pool that takes small payloads alone.
    pub small: Pool,
    folder: Folder,
}

/// What came back once something had happened, and how long after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// From the event to the caller's error, or to whatever shows that nothing was lost.
    pub after: Duration,
    /// The error's variant, or what came back in place of an error.
    pub back: String,
    /// The error as it displays.
    pub told: String,
}

impl Stage {
    /// A fresh one.
    ///
    /// # Panics
    /// When there is no pool to be had.
    pub fn new(method: &str) -> Stage {
        let small = Pool::builder().workers(1).payload_limit(4096).build().expect("a pool");
        Stage { method: method.to_owned(), rig: Rig::new(2), small, folder: Folder::new() }
    }

    /// A place for a note.
    pub fn note(&self) -> String {
        self.folder.file("note")
    }

    /// The workers, once they have nothing to do. One that was killed and has not died yet is awake.
    ///
    /// # Panics
    /// When they never have.
    #[track_caller]
    pub fn sleeping_workers(&self) -> Vec<Stat> {
        let mut workers = Vec::new();
        eventually("the workers sleep", || {
            workers = self.rig.workers();
            workers.iter().all(|worker| worker.state == 'S')
        });
        workers
    }

    /// Sends a call.
    ///
    /// # Panics
    /// When the pool does not take it.
    #[track_caller]
    pub fn spawn<R: 'static>(&self, call: Call<'_, R>) -> Handle<R> {
        self.rig.pool.spawn(call).expect("a slot")
    }
}

impl Seen {
    /// What came back just now.
    pub fn now<R>(since: u64, outcome: Result<R>) -> Seen {
        Seen::at(moment::now(), since, outcome)
    }

    /// What came back at that moment.
    pub fn at<R>(moment: u64, since: u64, outcome: Result<R>) -> Seen {
        let after = Duration::from_nanos(moment.saturating_sub(since));
        match outcome {
            Ok(_) => Seen { after, back: "the result".to_owned(), told: "the result".to_owned() },
            Err(error) => Seen { after, back: variant(&error), told: error.to_string() },
        }
    }

    /// As a line of text.
    pub fn line(&self) -> String {
        format!("{}\t{}\t{}", self.after.as_nanos(), self.back, self.told.replace(['\n', '\t'], " "))
    }

    /// Out of such a line.
    pub fn from_line(line: &str) -> Option<Seen> {
        let mut parts = line.splitn(3, '\t').map(str::to_owned);
        let after = Duration::from_nanos(parts.next()?.parse().ok()?);
        Some(Seen { after, back: parts.next()?, told: parts.next()? })
    }
}

/// The name of an error's variant.
fn variant(error: &Error) -> String {
    format!("{error:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}
