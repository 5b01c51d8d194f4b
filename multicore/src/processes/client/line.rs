//! Those that await a free slot, first come, first called; [`room`](super::room) is for threads that wait for one.
//!
//! As many are called as there are slots. Who is called and finds none, because somebody who did not stand in line
//! was faster, goes back to its place; who is called and does not come leaves its slot to the next look.

use std::sync::Arc;
use std::task::Waker;

use crate::error::Result;
use crate::processes::client::{Client, waking};

impl Client {
    /// Has `waker` called once a slot comes free and it is this one's turn. The place in the line is kept in
    /// `place`, until [`leave`](Client::leave). To be called before the look for a slot that is the last one.
    ///
    /// # Errors
    /// `Os` when the waker thread cannot be started.
    pub(crate) fn stand_in_line(self: &Arc<Self>, place: &mut Option<u64>, waker: &Waker) -> Result<()> {
        let waker = waker.clone();
        let mut wakers = self.awaited.lock();
        let place = *place.get_or_insert_with(|| {
            wakers.last_place += 1;
            wakers.last_place
        });
        let is_first = wakers.line.is_empty();
        let before = wakers.line.insert(place, waker);
        drop(wakers);
        drop(before);
        self.have_served()?;
        if is_first {
            waking::stir();
        }
        Ok(())
    }

    /// This one does not stand in line any more.
    pub(crate) fn leave(&self, place: u64) {
        if self.is_here() {
            let waker = self.awaited.lock().line.remove(&place);
            drop(waker);
        }
    }

    /// Waker thread: whether anybody stands in line.
    pub(super) fn is_awaited_for_room(&self) -> bool {
        !self.awaited.lock().line.is_empty()
    }

    /// Waker thread: takes as many of the line as there are slots to be had, or all where there are none any more;
    /// whether any.
    pub(super) fn call_up(&self, into: &mut Vec<Waker>) -> bool {
        if !self.is_awaited_for_room() {
            return false;
        }
        let finished = || (0..self.seats.len()).filter(|slot| self.finished(*slot).is_some()).count();
        let open = match self.check_standing() {
            Ok(()) => self.region.free().len() + finished(),
            Err(_) => usize::MAX,
        };
        let mut wakers = self.awaited.lock();
        let called = into.len();
        into.extend(std::iter::from_fn(|| wakers.line.pop_first()).take(open).map(|(_, waker)| waker));
        into.len() > called
    }
}
