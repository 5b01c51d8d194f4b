//! Handing calls out: how the supervisor of a sandboxed pool stands between the region and its workers.
//!
//! ```text
//!  client                     supervisor                                   worker 0                worker 1
//!  ═══════ the region ══════▶ claims, begins and finishes for each worker
//!                             ═══ private region 0 (pwrite, pread) ═══════▶ one slot, one call
//!                             ═══ private region 1 ════════════════════════════════════════════════▶ one slot, …
//!  ──── bell: "a call is ready" ─▶  ◀──── bell of each worker: "I have finished", "I want a call" ────
//! ```
//!
//! Workers do not see the region. In it the supervisor claims, begins and finishes calls for worker *i*,
//! as *i* would itself; towards the worker's private region ([`Cell`]) it is the client. A call is running
//! in the region from the moment it is handed out; whether it has really begun, the private word says when
//! the worker dies.
//!
//! **No lost wake-up**, as between a publisher and a worker: before it sleeps, the supervisor sets the idle
//! bit of every worker that wants a call and then looks for a ready one; the client sets the ready bit,
//! looks for an idle one, and rings the supervisor.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};

use crate::error::Result;
use crate::processes::clock;
use crate::processes::ledger;
use crate::processes::queue;
use crate::processes::repair;
use crate::processes::supervisor::cell::{Cell, Look, Unfit};
use crate::processes::supervisor::{Seat, Supervisor, kill};
use crate::processes::worker::{tell, wait_is_over};
use crate::report::Report;
use crate::sandbox::Sandbox;
use crate::shm::region::Region;
use crate::shm::window::WindowWriter;
use crate::shm::word::Word;
use crate::sys::eventfd;
use crate::sys::fault::point;

/// How long a worker may take, after a call, to want the next one or to leave. Its exit functions run then.
const UNDECIDED: u64 = 10_000_000_000;

/// What the supervisor of a sandboxed pool has besides.
pub(in crate::processes) struct Handout {
    pub(in crate::processes) sandbox: Sandbox,
    cells: Vec<Place>,
}

/// One place in the row of private regions.
#[derive(Default)]
struct Place {
    cell: Option<Cell>,
    /// When a worker that has finished a call is ended, because it does nothing more.
    end_at: Option<u64>,
}

/// What a dead worker left of the call that it had been given.
pub(in crate::processes) struct Left {
    pub(in crate::processes) begun: bool,
    /// What it did that no worker does.
    pub(in crate::processes) misdeed: Option<&'static str>,
}

impl Handout {
    pub(in crate::processes) fn new(sandbox: Sandbox, workers: usize) -> Handout {
        Handout { sandbox, cells: (0..workers).map(|_| Place::default()).collect() }
    }

    /// Makes the private region of the worker that is forked next.
    ///
    /// # Errors
    /// `Os`.
    pub(in crate::processes) fn furnish(&mut self, index: usize, window: usize) -> Result<()> {
        self.cells[index] = Place { cell: Some(Cell::new(window)?), end_at: None };
        Ok(())
    }

    /// The private region of this worker.
    pub(in crate::processes) fn cell(&self, index: usize) -> Option<&Cell> {
        self.cells[index].cell.as_ref()
    }

    /// What the workers ring.
    pub(in crate::processes) fn bells(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.cells.iter().filter_map(|place| place.cell.as_ref()).map(|cell| cell.bell().as_fd())
    }

    /// What was rung is heard: silent from here on, and looked at after that.
    pub(in crate::processes) fn silence(&self, rung: &[bool]) {
        for (bell, _) in self.bells().zip(rung).filter(|(_, rung)| **rung) {
            let _ = eventfd::drain(bell);
        }
    }

    /// Workers that want a call and shall have one.
    fn idle(&self, seats: &[Seat]) -> impl Iterator<Item = usize> {
        let wants = |index: &usize| {
            let cell = self.cell(*index);
            let seat = &seats[*index];
            (seat.end.is_none() && seat.stopped.is_none())
                && cell.is_some_and(|cell| !cell.is_dismissed() && cell.look() == Look::Idle)
        };
        (0..seats.len()).filter(wants)
    }
}

impl Supervisor {
    /// Takes what workers have finished, and gives those that want a call the next.
    pub(in crate::processes) fn hand_out(&mut self) {
        let Some(handout) = &mut self.handout else { return };
        for (index, place) in handout.cells.iter_mut().enumerate() {
            let (Some(cell), Some(pid)) = (&mut place.cell, self.seats[index].pid) else { continue };
            cell.mirror(self.region.worker(index));
            match cell.look() {
                Look::Finished => {
                    place.end_at = Some(clock::now().saturating_add(UNDECIDED));
                    take(&self.region, index, cell);
                }
                Look::Idle => place.end_at = None,
                // Its call runs elsewhere.
                Look::Unbegun if self.seats[index].stopped.is_some() => withdraw(&self.region, index, cell),
                Look::Away | Look::Unbegun | Look::Running | Look::Spoilt => {}
            }
            if cell.look() == Look::Spoilt {
                kill(pid);
            }
        }
        let idle: Vec<usize> = handout.idle(&self.seats).collect();
        for index in idle {
            let place = &mut handout.cells[index];
            // It has decided, perhaps between the two looks: the next call may take as long as it likes.
            place.end_at = None;
            let (Some(cell), Some(pid)) = (&mut place.cell, self.seats[index].pid) else { continue };
            let background = index >= self.limits.background_from;
            give(&self.region, index, background, cell);
            if cell.look() == Look::Spoilt {
                kill(pid);
            } else if cell.hand().is_none()
                && self.draining
                && !repair::any_ready_for(&self.region, background)
            {
                cell.dismiss();
            }
        }
        self.region.head().looks.fetch_add(1, SeqCst);
    }

    /// Tells calls whose end is under way.
    pub(in crate::processes) fn pass_ends_on(&self) {
        let Some(handout) = &self.handout else { return };
        for (place, seat) in handout.cells.iter().zip(&self.seats) {
            if let (Some(cell), Some(_)) = (&place.cell, &seat.end) {
                cell.expire();
            }
        }
    }

    /// Before a sleep: announces who wants a call. Whether there is one already.
    pub(in crate::processes) fn announce_idle(&self) -> bool {
        let lookout = self.region.lookout();
        let ready =
            |index| lookout.idle.insert_then(index, || lookout.any(index >= self.limits.background_from));
        self.handout.as_ref().is_some_and(|handout| handout.idle(&self.seats).any(ready))
    }

    /// After a sleep: who wants a call is for the supervisor alone to know.
    pub(in crate::processes) fn withdraw_idle(&self) {
        if self.handout.is_some() {
            (0..self.seats.len()).for_each(|index| {
                let _ = self.region.idle().remove(index);
            });
        }
    }

    /// Ends workers that have finished their call long ago and neither want another one nor leave; when the
    /// next one is due.
    pub(in crate::processes) fn end_undecided(&mut self, now: u64) -> u64 {
        let Some(handout) = &mut self.handout else { return u64::MAX };
        let mut alarm = u64::MAX;
        for (place, seat) in handout.cells.iter_mut().zip(&self.seats) {
            match (place.end_at, seat.pid) {
                (Some(at), Some(pid)) if at <= now => {
                    kill(pid);
                    place.end_at = None;
                }
                (Some(at), Some(_)) => alarm = alarm.min(at),
                _ => {}
            }
        }
        alarm
    }

    /// A worker has died: delivers what it had finished, and says what is to be known of what it had not.
    pub(in crate::processes) fn vacate(&mut self, index: usize) -> Option<Left> {
        let mut cell = std::mem::take(&mut self.handout.as_mut()?.cells[index]).cell?;
        cell.mirror(self.region.worker(index));
        cell.count(self.region.tally(index));
        if cell.look() == Look::Finished {
            take(&self.region, index, &mut cell);
        }
        let look = cell.look();
        let misdeed = "it wrote what makes no sense over its private region";
        Some(Left { begun: look != Look::Unbegun, misdeed: (look == Look::Spoilt).then_some(misdeed) })
    }
}

/// Gives the worker the next ready call, if there is one.
fn give(region: &Region, index: usize, background: bool, cell: &mut Cell) {
    while cell.hand().is_none() && cell.look() == Look::Idle {
        let Some(slot) = queue::take(region, background, |_| 1).and_then(|mut hint| hint.next()) else {
            return;
        };
        let header = region.slot(slot);
        if !queue::claim(region, slot, index, background) {
            continue;
        }
        let record = region.worker(index);
        record.current.store(slot as u32 + 1, Release);
        if header.timeout.load(Relaxed) != 0 {
            record.started.store(clock::now(), Relaxed);
        }
        if !header.state.begin(index as u16) {
            continue;
        }
        record.calls.fetch_add(1, Relaxed);
        if header.published.load(Relaxed) != 0 {
            wait_is_over(region.tally(index), &header);
        }
        region.tally(index).hold(clock::now());
        if header.state.state().is_background() {
            ledger::begin(region, slot);
        }
        let len = (header.arguments_len.load(Relaxed) as usize).min(region.geometry().window);
        if header.state.state().cancelled() {
            answer(region, index, slot, &Report::Cancelled);
            continue;
        }
        match cell.give(slot, header, region.arguments(slot, len)) {
            Ok(()) => point("handed"),
            Err(Unfit::Os(error)) => answer(region, index, slot, &no_memory(&error)),
            Err(Unfit::Spoilt) => {
                cell.spoil();
                return give_back(region, index, slot);
            }
        }
    }
}

/// Gives the call of a stopped worker to others, unless it has begun.
fn withdraw(region: &Region, index: usize, cell: &mut Cell) {
    let Some(hand) = cell.hand() else { return };
    if cell.withdraw() {
        give_back(region, index, hand.slot);
    }
}

/// The call is not begun, and this worker does not have it any more.
fn give_back(region: &Region, index: usize, slot: usize) {
    repair::give_back(region, slot, &repair::Death::unseen(region, index as u16));
    region.tally(index).hold(0);
    region.worker(index).current.store(0, Release);
    queue::remind(region, slot, region.slot(slot).state.state());
}

/// Delivers what the worker has finished.
fn take(region: &Region, index: usize, cell: &mut Cell) {
    let Some(hand) = cell.hand() else { return };
    cell.count(region.tally(index));
    let state = region.slot(hand.slot).state.state();
    if state.expired() {
        // The supervisor tells the caller once the worker is gone, or has the call run again.
        return;
    }
    let header = region.slot(hand.slot);
    let mut store = region.result_store(hand.slot);
    let mut out = WindowWriter::new(&mut store, region.geometry().window);
    match cell.take(&mut out) {
        // Its end is the call's.
        Err(Unfit::Spoilt) => return cell.spoil(),
        _ if state.cancelled() => Report::Cancelled.put(&header, &mut out),
        Ok(outcome) => {
            header.hold(outcome, out.needed() as u64);
            header.verdict.store(cell.verdict().map_or(0, |verdict| verdict as u32), Relaxed);
        }
        Err(Unfit::Os(error)) => no_memory(&error).put(&header, &mut out),
    }
    finish(region, index, hand.slot);
}

fn no_memory(error: &std::io::Error) -> Report {
    Report::Os { errno: error.raw_os_error().unwrap_or(libc::ENOMEM) }
}

/// Answers a call that is not handed out.
fn answer(region: &Region, index: usize, slot: usize, report: &Report) {
    let mut store = region.result_store(slot);
    report.put(&region.slot(slot), &mut WindowWriter::new(&mut store, region.geometry().window));
    finish(region, index, slot);
}

/// Finishes a call for the worker that it belongs to, as that would itself.
fn finish(region: &Region, index: usize, slot: usize) {
    let header = region.slot(slot);
    point("taken");
    region.tally(index).ran_one(clock::now());
    if header.state.state().detached() && header.retries.load(Relaxed) == 0 {
        region.cool(slot, &AtomicU64::new(header.arguments_len.load(Relaxed)));
    }
    if header.state.state().is_background() {
        ledger::close(region, slot, index);
    }
    let settled = header.state.finish(index as u16);
    point("delivered");
    region.worker(index).current.store(0, Release);
    tell(region, slot, settled);
}
