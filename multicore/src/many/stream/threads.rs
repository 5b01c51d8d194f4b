//! A stream on a pool of threads, whose calls have no slots to hand on.

use std::task::{Poll, Waker};

use super::Sending;
use crate::call::Call;
use crate::error::Result;
use crate::handle::Handle;
use crate::many::line::Order;
use crate::pool::Pool;
use crate::pool::reserved::Standing;
use crate::threads::desk::{Desk, Room};
use std::sync::Arc;

/// What one poll works with.
pub(super) struct Stage<'s> {
    pub(super) pool: &'s Pool,
    pub(super) desk: &'s Arc<Desk>,
    /// How many calls are under way at most.
    pub(super) most: usize,
    pub(super) order: Order,
    pub(super) waker: &'s Waker,
}

impl<'a, I, R> Sending<I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    /// The next result, or nothing yet; `place` is where this stands in line.
    pub(super) fn poll_on(
        &mut self,
        stage: &Stage<'_>,
        place: &mut Option<Standing>,
    ) -> Poll<Option<Result<R>>> {
        loop {
            let is_over = self.send_ahead(stage, place);
            if let Some(at) = stage.order.find(&self.flight) {
                Standing::leave(place);
                return Poll::Ready(self.flight.take(at, false).map(|(_, result, _)| result));
            }
            if self.flight.len() == 0 {
                return if is_over { Poll::Ready(None) } else { Poll::Pending };
            }
            let count = if stage.order == Order::OfCalls { 1 } else { self.flight.len() };
            let mut settled = false;
            for at in 0..count {
                match self.flight.wake_when_finished(at, stage.waker) {
                    Ok(finished) => settled |= finished,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            if !settled {
                return Poll::Pending;
            }
        }
    }

    /// Sends calls until enough are under way, the wanted result is there, or there is no room; whether there are no
    /// more calls.
    fn send_ahead(&mut self, stage: &Stage<'_>, place: &mut Option<Standing>) -> bool {
        while self.flight.len() < stage.most {
            let there = stage.order.find(&self.flight).is_some();
            if there && !self.quick {
                return false;
            }
            if self.is_exhausted() {
                return true;
            }
            let room = self.room(stage, place);
            if let Ok(None) = room {
                return false;
            }
            // With room for it: so that no call has to be kept.
            let Some(call) = self.ask() else { return true };
            match room.map(|room| room.map(|room| Handle::send_in_room(stage.pool, room, call))) {
                Ok(sent) => self.flight.take_in(sent.map_or_else(
                    || Handle::failed(crate::Error::Closed),
                    |sent| sent.unwrap_or_else(Handle::failed),
                )),
                Err(error) => self.flight.fail(error),
            }
            if there {
                return false;
            }
        }
        false
    }

    /// Room for a call. With nothing under way here it is others who make room, and this stands in line.
    fn room(&self, stage: &Stage<'_>, place: &mut Option<Standing>) -> Result<Option<Room>> {
        if self.flight.len() > 0 {
            return stage.desk.reserve(false, false);
        }
        let mut number = place.as_ref().map(Standing::place);
        let room = stage.desk.reserve_in_line(&mut number, stage.waker);
        *place = number.map(|number| Standing::Desk(stage.desk.clone(), number));
        room
    }
}
