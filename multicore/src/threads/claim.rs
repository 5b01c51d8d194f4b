//! A call on a thread as its handle has it.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Instant, SystemTime};

use super::desk::Desk;
use super::work::{Answer, Ended, Outcome, Work};
use crate::call::Reply;
use crate::codec::{Codec, Failure};
use crate::error::{Error, Result};
use crate::handle::progress::Progress;
use crate::handle::reading::decoded;
use crate::shm::in_place::Lent;
use crate::shm::layout::PAGE;
use crate::shm::window::Payload;

/// The claim on what becomes of a call. Dropping it leaves the call as it is.
pub(crate) struct Claim<R> {
    pub(super) desk: Arc<Desk>,
    pub(super) work: Arc<Work>,
    pub(super) codec: Codec,
    pub(super) decode: fn(Reply<'_>) -> Result<R, Failure>,
}

impl<R> Claim<R> {
    /// The task's name.
    pub(crate) fn task(&self) -> &'static str {
        self.work.entry.name()
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    /// Waits until the call settles, or the moment; whether it has. In a fork of this process it never will.
    pub(crate) fn wait(&self, until: Option<Instant>) -> bool {
        !self.desk.is_here() || self.work.wait(until)
    }

    pub(crate) fn is_settled(&self) -> bool {
        !self.desk.is_here() || self.work.is_settled()
    }

    pub(crate) fn cancel(&self) {
        if self.desk.is_here() {
            self.desk.cancel(&self.work);
        }
    }

    /// Has `waker` called once the call settles, in place of the one before; whether it has settled.
    pub(crate) fn wake_when_settled(&self, waker: &Waker) -> bool {
        !self.desk.is_here() || self.work.is_settled_or_wakes(waker)
    }

    pub(crate) fn stop_awaiting(&self) {
        if self.desk.is_here() {
            self.work.stop_awaiting();
        }
    }

    /// How far the call says that it has come.
    pub(crate) fn progress(&self) -> Option<Progress> {
        if self.desk.is_here() { self.work.progress() } else { None }
    }

    /// When it began, and how it ended.
    pub(crate) fn times(&self) -> (Option<SystemTime>, Option<Ended>) {
        self.work.times()
    }

    /// The result of a call that has settled, once.
    pub(crate) fn collect(&self) -> Result<R> {
        let answer = self.take()?;
        self.read(&answer)
    }

    /// As [`collect`](Claim::collect), where nobody may have taken it.
    pub(crate) fn collect_once(&self) -> Option<Result<R>> {
        Some(self.answer(self.work.take()?).and_then(|answer| self.read(&answer)))
    }

    /// Drops the result, which nobody wants.
    pub(crate) fn throw_away(&self) {
        drop(self.work.take());
    }

    /// The encoded result of a call that has settled, if it is worth leaving where it is; else what it says.
    pub(crate) fn lend(self) -> Result<Lending<R>> {
        let answer = self.take()?;
        if answer.bytes().len() > PAGE {
            Ok(Lending::Lent(answer))
        } else {
            self.read(&answer).map(Lending::Read)
        }
    }

    fn take(&self) -> Result<Answer> {
        if !self.desk.is_here() {
            return Err(Error::Closed);
        }
        self.work.take().map_or(Err(Error::Closed), |outcome| self.answer(outcome))
    }

    fn answer(&self, outcome: Outcome) -> Result<Answer> {
        match outcome {
            Outcome::Value(answer) => {
                self.desk.collected(answer.bytes().len());
                Ok(answer)
            }
            Outcome::Report(report) => Err(report.into_error(self.task())),
            Outcome::Closed => Err(Error::Closed),
        }
    }

    fn read(&self, answer: &Answer) -> Result<R> {
        let payload = Payload::of(answer.bytes());
        decoded(|| (self.decode)(Reply { codec: self.codec, payload }), self.task())
    }
}

/// A result that stays where it is, or one that was read.
pub(crate) enum Lending<R> {
    Lent(Answer),
    Read(R),
}

impl Lent for Answer {
    fn payload(&self) -> Payload<'_> {
        Payload::of(self.bytes())
    }

    fn is_out_of_reach(&self) -> bool {
        // This process's own memory, and whoever wrote it is done.
        true
    }
}
