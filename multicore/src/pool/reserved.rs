//! A slot before there is a call for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::call::Call;
use crate::error::Result;
use crate::handle::Handle;
use crate::many::on::On;
use crate::pool::{Place, Pool};
#[cfg(processes)]
use crate::processes::client::{Client, Ticket, WhenFull};
#[cfg(threads)]
use crate::threads::desk::{Desk, Room};

/// Awaits a free slot of the default pool, so that the call which is spawned next waits for none: what
/// [`Call::spawn`] would wait for.
///
/// ```
/// #[multicore::task]
/// fn square(n: u64) -> u64 { n * n }
///
/// # fn main() -> multicore::Result<()> {
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
/// let mut handles = Vec::new();
/// for n in 0..2000 {
///     handles.push(multicore::reserve().await?.spawn(square::call(n))?);
/// }
/// for (n, handle) in (0..).zip(handles) {
///     assert_eq!(handle.await?, n * n);
/// }
/// # Ok(()) })
/// # }
/// ```
///
/// The calls are served in the order of their first poll. Results that nobody has collected yet are moved out of
/// their slots on the way, in the poll. The pool opens at the first poll, which takes its time.
///
/// # Errors
/// `Closed`, `RestartLimit`; what opening the default pool may give; `Os` when the thread that awaits need cannot
/// be started ([`Handle`]).
pub fn reserve() -> Reserving<'static> {
    Reserving { on: Some(On::Default(None)), line: None }
}

impl Pool {
    /// As [`reserve`](crate::reserve()), on this pool.
    ///
    /// # Errors
    /// As there.
    pub fn reserve(&self) -> Reserving<'_> {
        Reserving { on: Some(On::Pool(self)), line: None }
    }
}

/// A slot that is awaited: see [`reserve`]. Dropping it leaves the line.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Reserving<'p> {
    /// `None` once it was ready.
    on: Option<On<'p>>,
    /// Where this stands in line.
    line: Option<Standing>,
}

/// A place in a pool's line.
pub(crate) enum Standing {
    #[cfg(processes)]
    Client(Arc<Client>, u64),
    #[cfg(threads)]
    Desk(Arc<Desk>, u64),
}

impl Standing {
    /// Leaves it, if there is one.
    pub(crate) fn leave(line: &mut Option<Standing>) {
        match line.take() {
            None => {}
            #[cfg(processes)]
            Some(Standing::Client(client, place)) => client.leave(place),
            #[cfg(threads)]
            Some(Standing::Desk(desk, place)) => desk.leave_line(place),
        }
    }

    pub(crate) fn place(&self) -> u64 {
        match self {
            #[cfg(processes)]
            Standing::Client(_, place) => *place,
            #[cfg(threads)]
            Standing::Desk(_, place) => *place,
        }
    }
}

/// A slot that waits for its call: see [`reserve`].
///
/// As long as it is kept nobody else has the slot; so hold no more of them than you are about to use. Dropping
/// it gives the slot back.
#[must_use = "dropping it gives the slot back"]
pub struct Reserved<'p> {
    on: On<'p>,
    slot: Slot,
}

/// What was reserved.
enum Slot {
    /// Nothing, which is enough where calls run in the thread that makes them.
    None,
    #[cfg(processes)]
    Process(Arc<Client>, Ticket),
    #[cfg(threads)]
    Thread(Room),
}

impl<'p> Future for Reserving<'p> {
    type Output = Result<Reserved<'p>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let reserving = &mut *self;
        let Some(on) = &mut reserving.on else { return Poll::Ready(Err(crate::Error::Closed)) };
        let slot = match on.pool()?.engine.place() {
            Place::Here { .. } => Slot::None,
            #[cfg(threads)]
            Place::Threads(threads) => {
                let mut place = reserving.line.as_ref().map(Standing::place);
                let room = threads.desk.reserve_in_line(&mut place, context.waker());
                reserving.line = place.map(|place| Standing::Desk(threads.desk.clone(), place));
                let Some(room) = room? else { return Poll::Pending };
                Slot::Thread(room)
            }
            #[cfg(processes)]
            Place::Workers(client) => {
                let mut slot = client.reserve(WhenFull::SweepAlone)?;
                if slot.is_none() {
                    let mut place = reserving.line.as_ref().map(Standing::place);
                    let stands = client.stand_in_line(&mut place, context.waker());
                    reserving.line = place.map(|place| Standing::Client(client.clone(), place));
                    stands?;
                    // One that came free before this stood in line.
                    slot = client.reserve(WhenFull::SweepAlone)?;
                }
                let Some(slot) = slot else { return Poll::Pending };
                Slot::Process(client.clone(), slot)
            }
        };
        reserving.leave();
        Poll::Ready(reserving.on.take().map(|on| Reserved { on, slot }).ok_or(crate::Error::Closed))
    }
}

impl Reserving<'_> {
    fn leave(&mut self) {
        Standing::leave(&mut self.line);
    }
}

impl Drop for Reserving<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Reserved<'_> {
    /// Sends the call; never waits for a slot. Where calls run in the thread that makes them, it runs here.
    ///
    /// # Errors
    /// As [`Pool::spawn`].
    pub fn spawn<R: 'static>(mut self, call: Call<'_, R>) -> Result<Handle<R>> {
        match std::mem::replace(&mut self.slot, Slot::None) {
            #[cfg(processes)]
            Slot::Process(client, slot) => Handle::send_in(&client, slot, &call),
            #[cfg(threads)]
            Slot::Thread(room) => Handle::send_in_room(self.on.pool()?, room, call),
            Slot::None => self.on.pool()?.spawn(call),
        }
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        #[cfg(processes)]
        if let Slot::Process(client, slot) = &self.slot {
            client.hand_back(*slot);
        }
    }
}

impl fmt::Debug for Reserving<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserving").finish_non_exhaustive()
    }
}

impl fmt::Debug for Reserved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserved").finish_non_exhaustive()
    }
}
