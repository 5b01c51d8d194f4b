//! What became of the calls.

use multicore::{Error, Result};

use super::WORKERS;
use super::client::Kind;
use crate::endure::found::Found;

/// What became of the calls.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Workers and supervisors killed.
    pub(super) killed: (u64, u64),
    pub(super) made: u64,
    right: u64,
    died: u64,
    cancelled: u64,
    timed_out: u64,
    pub(super) detached: u64,
    /// Of the detached, how many were begun.
    pub(super) detached_begun: u64,
    /// Runs after a first that a death ended.
    retried: u64,
    /// Neither settled nor detached.
    pub(super) hung: u64,
    /// Settled as they should not be.
    wrong: u64,
    /// Begun more often than they may, or once they had settled.
    pub(super) duplicated: u64,
}

impl Tally {
    fn settled(&self) -> u64 {
        self.right + self.died + self.cancelled + self.timed_out + self.wrong
    }

    pub(super) fn under(self, killed: (u64, u64)) -> Tally {
        Tally { killed, ..self }
    }

    /// Neither settled nor hanging; or detached and never begun, beyond what the deaths of workers that had
    /// just taken one can explain.
    fn lost(&self) -> u64 {
        let deaths = self.killed.0 + WORKERS as u64 * self.killed.1 + self.timed_out + self.cancelled;
        let forgotten = (self.detached - self.detached_begun).saturating_sub(deaths);
        self.made - self.settled() - self.detached - self.hung + forgotten
    }

    /// Whether every call had one end, and the one that it should have.
    pub fn holds(&self) -> bool {
        self.lost() + self.duplicated + self.hung + self.wrong == 0
    }

    /// Counts what became of call `n`, which was begun so often.
    pub(super) fn settle(&mut self, n: u64, kind: Kind, runs: u8, outcome: Result<u64>) {
        self.retried += u64::from(runs.saturating_sub(1));
        match outcome {
            Ok(value) if value == n * 3 && runs > 0 && kind != Kind::Endless => self.right += 1,
            Err(Error::Died { started, .. }) if started || runs < kind.most() => self.died += 1,
            Err(Error::Cancelled { .. }) if kind == Kind::Cancelled => self.cancelled += 1,
            Err(Error::TimedOut { .. }) if kind == Kind::Endless => self.timed_out += 1,
            other => {
                eprintln!("call {n}, {kind:?}, begun {runs} times: {other:?}");
                self.wrong += 1;
            }
        }
    }

    pub(super) fn and(self, other: Tally) -> Tally {
        Tally {
            killed: (self.killed.0 + other.killed.0, self.killed.1 + other.killed.1),
            made: self.made + other.made,
            right: self.right + other.right,
            died: self.died + other.died,
            cancelled: self.cancelled + other.cancelled,
            timed_out: self.timed_out + other.timed_out,
            detached: self.detached + other.detached,
            detached_begun: self.detached_begun + other.detached_begun,
            retried: self.retried + other.retried,
            hung: self.hung + other.hung,
            wrong: self.wrong + other.wrong,
            duplicated: self.duplicated + other.duplicated,
        }
    }

    /// By name.
    pub fn found(&self) -> Found {
        let mut found = Found::default();
        let counts = [
            ("workers killed", self.killed.0),
            ("supervisors killed", self.killed.1),
            ("calls made", self.made),
            ("settled", self.settled()),
            ("right", self.right),
            ("died", self.died),
            ("timed out", self.timed_out),
            ("cancelled", self.cancelled),
            ("detached", self.detached),
            ("detached and begun", self.detached_begun),
            ("retried", self.retried),
            ("lost", self.lost()),
            ("duplicated", self.duplicated),
            ("hung", self.hung),
            ("wrong", self.wrong),
        ];
        counts.into_iter().for_each(|(name, count)| found.count(name, count));
        found
    }
}
