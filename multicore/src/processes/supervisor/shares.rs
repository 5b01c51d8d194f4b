//! The supervisor's side of shared data: it has the descriptors, and gives each worker a copy that asks.
//!
//! The client tells of a piece of shared data before it publishes a call that names it, and every word of
//! the client's that has come is heard before a question is answered: so nobody asks for what is not known
//! yet. Questions come from workers, who may be of bad will. One is answered in a round for each worker, and
//! an answer that does not fit the worker's queue, which holds a handful, is dropped.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::processes::control::{self, Order};
use crate::processes::repair;
use crate::processes::supervisor::Supervisor;
use crate::processes::worker::shares::{Answer, Question};
use crate::sys::fault::point;
use crate::sys::socket;

/// What is shared with the workers of this pool, by the client's numbers.
#[derive(Default)]
pub(in crate::processes) struct Shares {
    known: HashMap<u64, Share>,
    /// How many pieces the client is still to tell of before anything else.
    older: usize,
    /// Whether something has gone that workers may still have.
    stale: bool,
}

struct Share {
    /// `None` when there was no room for another descriptor.
    file: Option<OwnedFd>,
    len: u64,
}

impl Shares {
    /// Nothing yet, of which so many pieces are older than this supervisor.
    pub(in crate::processes) fn expecting(older: usize) -> Shares {
        Shares { older, ..Shares::default() }
    }

    /// Hears the client out about what is older.
    ///
    /// # Errors
    /// `Config` when it does not tell of all; `Os` from `recvmsg`.
    pub(in crate::processes) fn inherit(&mut self, control: &OwnedFd, timeout: Duration) -> Result<()> {
        for _ in 0..std::mem::take(&mut self.older) {
            match control::receive_what_fits::<Order>(control.as_fd(), Some(timeout))? {
                Some((Order::Share { id, len }, fds)) => self.add(id, len, fds),
                _ => {
                    return Err(Error::config("shared data", "the client did not tell of all that there is"));
                }
            }
        }
        Ok(())
    }

    /// There is something new.
    pub(in crate::processes) fn add(&mut self, id: u64, len: u64, fds: Vec<OwnedFd>) {
        self.known.insert(id, Share { file: fds.into_iter().next(), len });
        point("share-heard");
    }

    /// Nobody names these any more.
    pub(in crate::processes) fn remove(&mut self, ids: &[u64]) {
        for id in ids {
            self.stale |= self.known.remove(id).is_some();
        }
    }

    fn answer(&self, question: Question) -> (Answer, Option<BorrowedFd<'_>>) {
        match question {
            Question::Map { id } => match self.known.get(&id) {
                Some(Share { file: Some(file), len }) => (Answer::Here { len: *len }, Some(file.as_fd())),
                Some(Share { file: None, .. }) => (Answer::NoRoom, None),
                None => (Answer::Unknown, None),
            },
            Question::Which { mut ids } => {
                ids.retain(|id| !self.known.contains_key(id));
                (Answer::Gone { ids }, None)
            }
        }
    }
}

impl Supervisor {
    /// The two ends of what the next worker asks on, this process's first, which sends no more than a
    /// handful of answers that nobody reads. None in a sandboxed pool; nor where the kernel refuses it, for
    /// want of descriptors: a worker is good for other calls.
    pub(in crate::processes) fn road(&self) -> Option<(OwnedFd, OwnedFd)> {
        if self.handout.is_some() {
            return None;
        }
        let (ours, theirs) = socket::pair().ok()?;
        socket::keep_queue_short(ours.as_fd()).ok()?;
        Some((ours, theirs))
    }

    /// Has workers let go of what the client has let go of: those that sleep wake up for it.
    pub(in crate::processes) fn pass_on_what_is_gone(&mut self) {
        if std::mem::take(&mut self.shares.stale) {
            self.region.head().shares.fetch_add(1, SeqCst);
            point("share-gone");
            repair::wake_workers(&self.region);
        }
    }

    /// What workers ask on, in the order of their seats.
    pub(in crate::processes) fn questions(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.seats.iter().filter_map(|seat| seat.asks.as_ref()).map(AsFd::as_fd)
    }

    /// Answers the workers that have asked something.
    pub(in crate::processes) fn answer(&mut self, asked: &[bool]) {
        let seats = self.seats.iter_mut().filter(|seat| seat.asks.is_some());
        for (seat, _) in seats.zip(asked).filter(|(_, asked)| **asked) {
            let Some(asks) = &seat.asks else { continue };
            match control::receive_what_fits::<Question>(asks.as_fd(), Some(Duration::ZERO)) {
                Ok(Some((question, _))) => {
                    let (answer, file) = self.shares.answer(question);
                    let sent = control::send(asks.as_fd(), b"", &answer, file.as_slice());
                    if sent.is_err() && file.is_some() {
                        // The kernel passes no descriptor on: the worker is not to wait for it. One that does
                        // not listen has asked for nothing.
                        let _ = control::send(asks.as_fd(), b"", &Answer::NoRoom, &[]);
                    }
                    point("share-answered");
                }
                // It has closed its end, or talks nonsense: it is not listened to any more.
                _ => seat.asks = None,
            }
        }
    }
}
