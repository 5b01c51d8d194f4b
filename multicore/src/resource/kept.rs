//! One value with its history, and what the rules say of it.

use std::any::Any;
use std::time::{Duration, Instant};

use super::Kind;

/// One value.
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) kind: &'static Kind,
    /// `None` while it is borrowed.
    pub(super) value: Option<Box<dyn Any>>,
    pub(super) standing: Standing,
    /// Whether it was made by or for a call.
    pub(super) of_call: bool,
    pub(super) born: Instant,
    /// When it was given back last, if that matters.
    pub(super) given_back: Option<Instant>,
    /// The call that borrowed it last.
    pub(super) used_in: u64,
    /// Whether that was a call at all.
    pub(super) lent_to_call: bool,
    /// The last call in which it was checked.
    pub(super) checked_in: u64,
    /// The values that it needed in order to be made.
    pub(super) needs: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    /// To be checked before its next use.
    Suspect,
    /// To be closed as soon as nobody has it.
    Doomed,
}

impl Kept {
    /// Whether a call that is over has kept it.
    pub(super) fn is_lost(&self, outermost: u64) -> bool {
        self.value.is_none() && self.lent_to_call && self.used_in < outermost
    }

    pub(super) fn is_too_old(&self) -> bool {
        self.kind.rules.max_age.is_some_and(|age| self.born.elapsed() >= age)
    }

    /// Whether it is to be checked before this use; once in a call is enough.
    pub(super) fn is_to_be_checked(&self, outermost: u64) -> bool {
        let idle = |limit: Duration| self.given_back.is_some_and(|moment| moment.elapsed() >= limit);
        let first = self.used_in < outermost;
        self.kind.rules.checks
            && self.checked_in < outermost
            && (self.standing == Standing::Suspect || first && self.kind.rules.check_idle.is_some_and(idle))
    }

    pub(super) fn suspect(&mut self, panicked: bool) {
        // Nobody can tell what a panic has left behind, unless there is somebody to ask.
        self.standing = match self.standing {
            Standing::Good if self.kind.rules.checks => Standing::Suspect,
            Standing::Good if panicked => Standing::Doomed,
            standing => standing,
        };
    }
}
