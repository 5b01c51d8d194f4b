//! What stands behind a map: calls that go in line, and the results that come out.

use std::iter::Fuse;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::error::{Error, Result};
use crate::many::completed::Elapsed;
use crate::many::flight::Flight;
use crate::many::on::On;
use crate::pool::{Place, Pool};

/// A source that gives a call so fast is asked for more than one at a time.
pub(super) const QUICK: Duration = Duration::from_micros(100);

/// What a map in order and one without are made of.
pub(super) struct Mapped<'p, I: Iterator, R> {
    pub(super) on: On<'p>,
    pub(super) line: Line<I, R>,
    /// How many calls are under way at most.
    pub(super) most: Option<usize>,
}

/// Calls to be sent, and those that were.
pub(super) struct Line<I: Iterator, R> {
    pub(super) calls: Fuse<I>,
    /// One that found no slot.
    pub(super) held: Option<I::Item>,
    pub(super) flight: Flight<R>,
    /// Whether the last call was there as soon as it was asked for.
    pub(super) quick: bool,
}

impl<'p, 'a, I, R> Mapped<'p, I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    pub(super) fn new(on: On<'p>, calls: I) -> Self {
        let line = Line { calls: calls.fuse(), held: None, flight: Flight::new(), quick: true };
        Mapped { on, line, most: None }
    }

    /// The next result in this order, with its call's number.
    pub(super) fn next(&mut self, order: Order) -> Option<(usize, Result<R>)> {
        // Without a moment no time is ever up.
        self.next_until(order, None).ok().flatten()
    }

    /// As [`next`](Self::next), until the moment.
    pub(super) fn next_until(
        &mut self,
        order: Order,
        until: Option<Instant>,
    ) -> Result<Option<(usize, Result<R>)>, Elapsed> {
        let line = &mut self.line;
        let pool = match self.on.pool() {
            Ok(pool) => pool,
            Err(error) => return Ok(line.ask(0).and_then(|_| line.fail(error))),
        };
        if let Place::Here { .. } = pool.engine.place() {
            return Ok(line.ask(0).and_then(|call| line.run(pool, call)));
        }
        let most = self.most.unwrap_or_else(|| pool.in_flight());
        line.send_ahead(pool, most, order);
        // One for one, in the slot of the result, unless there are to be more: calls are begun in the order of their
        // slots, and one in a slot that is used again would come behind those that are in new ones.
        let in_its_slot = line.flight.len() >= most || line.held.is_some();
        // The user's code runs before the result is taken.
        let call = line.ask(most);
        let taken = match order.wait(&mut line.flight, until) {
            Ok(at) => at.and_then(|at| line.flight.take(at, call.is_some() && in_its_slot)),
            Err(elapsed) => {
                line.held = call;
                return Err(elapsed);
            }
        };
        let Some((number, result, slot)) = taken else { return Ok(None) };
        if let Some(call) = call {
            line.held = line.flight.send(pool, call, slot);
        }
        Ok(Some((number, result)))
    }

    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.line.calls.size_hint();
        let under_way = self.line.flight.len() + usize::from(self.line.held.is_some());
        (least.saturating_add(under_way), most.and_then(|most| most.checked_add(under_way)))
    }
}

impl<'a, I, R> Line<I, R>
where
    I: Iterator<Item = Call<'a, R>>,
    R: 'static,
{
    /// The result of a call that could not even be tried.
    fn fail(&mut self, error: Error) -> Option<(usize, Result<R>)> {
        self.flight.fail(error);
        self.flight.take(0, false).map(|(number, result, _)| (number, result))
    }

    /// Runs a call right here.
    fn run(&mut self, pool: &Pool, call: Call<'a, R>) -> Option<(usize, Result<R>)> {
        self.flight.send(pool, call, None);
        self.flight.take(0, false).map(|(number, result, _)| (number, result))
    }

    /// Sends calls until enough are under way, the wanted result is there, or there is no slot.
    ///
    /// With the result there at once, one more all the same, so that there are enough when it is the caller that
    /// is slow. But no one is kept waiting for calls that are slow to come.
    fn send_ahead(&mut self, pool: &Pool, most: usize, order: Order) {
        while self.flight.len() < most {
            let there = order.find(&self.flight).is_some();
            if there && !self.quick {
                return;
            }
            let Some(call) = self.ask(most) else { return };
            self.held = self.flight.send(pool, call, None);
            if there || self.held.is_some() {
                return;
            }
        }
    }

    /// The next call; notes whether it was slow to come, as long as that matters.
    fn ask(&mut self, most: usize) -> Option<Call<'a, R>> {
        if self.held.is_some() {
            return self.held.take();
        }
        if self.flight.len() >= most {
            return self.calls.next();
        }
        let since = Instant::now();
        let call = self.calls.next();
        self.quick = since.elapsed() <= QUICK;
        call
    }
}

/// Which result comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The oldest call's.
    OfCalls,
    /// That of any that is finished.
    AsTheyCome,
}

impl Order {
    /// The wanted one of those under way, if it is finished.
    pub(super) fn find<R: 'static>(self, flight: &Flight<R>) -> Option<usize> {
        match self {
            Order::OfCalls => flight.is_finished(0).then_some(0),
            Order::AsTheyCome => flight.first_finished(),
        }
    }

    /// The wanted one, once it is finished; `None` if nothing is under way.
    fn wait<R: 'static>(
        self,
        flight: &mut Flight<R>,
        until: Option<Instant>,
    ) -> Result<Option<usize>, Elapsed> {
        if flight.len() == 0 {
            return Ok(None);
        }
        let at = match self {
            Order::OfCalls => flight.wait_for_first(until).then_some(0),
            Order::AsTheyCome => flight.wait_for_any(until),
        };
        at.map(Some).ok_or(Elapsed)
    }
}
