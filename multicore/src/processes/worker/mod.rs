//! A worker: one thread that claims calls and runs them, one at a time, until it is told to leave.

mod aside;
pub(crate) mod fault;
pub(crate) mod limits;
pub(crate) mod ready;
mod rest;
pub(crate) mod shares;
mod take;

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use nix::unistd::Pid;

use self::limits::Recycling;
use self::ready::EXPIRED;
use self::take::Hand;
use crate::call::Invocation;
use crate::codec::{Codec, Failure};
use crate::config::Limits;
use crate::panics;
use crate::processes::clock;
use crate::processes::ledger;
use crate::processes::spin::{Patience, Spin};
use crate::registry::Registry;
use crate::report::Report;
use crate::sandbox::Sandbox;
use crate::shared::travel::Borrowed;
use crate::shm::hint::Bits;
use crate::shm::layout::{Outcome, SlotHeader, WorkerRecord};
use crate::shm::region::{Region, Slot};
use crate::shm::tally::Tally;
use crate::shm::window::WindowWriter;
use crate::shm::word::{Settled, Word};
use crate::sys::fault::point;
use crate::sys::sandbox::Own;
use crate::sys::{eventfd, futex};

/// Everything a worker works with.
pub(crate) struct Worker<'s> {
    /// Its place in the pool.
    pub(crate) seat: usize,
    /// Its number in the region: the same, or the only one of a private region.
    pub(crate) index: usize,
    pub(crate) region: &'static Region,
    pub(crate) registry: &'static Registry,
    pub(crate) limits: &'s Limits,
    /// Whether the program asks for faults.
    pub(crate) faults: bool,
    /// Tells the supervisor to look at the deadlines again, or, in a sandboxed pool, at the worker.
    pub(crate) kick: &'s OwnedFd,
    pub(crate) supervisor: Pid,
    /// How long it may spin.
    pub(crate) patience: Patience,
    /// Where there is one, the region is this worker's own, and calls are handed out.
    pub(crate) sandbox: Option<(&'s Sandbox, Own)>,
}

impl Worker<'_> {
    /// Runs calls until the pool is drained.
    pub(crate) fn work(self) -> ! {
        let recycling = self.become_ready();
        self.ring();
        let spin = Spin::new(self.patience);
        let mut hand = Hand::empty();
        loop {
            if shares::are_stale(self.region.head()) {
                shares::let_go(self.region.head());
            }
            if let Some(slot) = self.next(&mut hand) {
                if self.run(slot) {
                    self.decide(&recycling, &mut hand);
                } else {
                    hand.pass();
                }
            } else if self.region.head().draining.load(Acquire) != 0 {
                self.leave(0);
            } else if !self.search(&mut hand, &spin) {
                self.sleep(&mut hand, &spin);
            }
        }
    }

    /// Has whoever hands calls out look at this worker.
    #[inline]
    fn ring(&self) {
        if self.sandbox.is_some() {
            // A ring that fails leaves the supervisor's next look.
            let _ = eventfd::signal(self.kick.as_fd());
        }
    }

    /// Runs a claimed call; whether it had it still.
    fn run(&self, slot: usize) -> bool {
        let header = self.region.slot(slot);
        let record = self.region.worker(self.index);
        // Release, as below: whoever sees it sees that the call of before is finished.
        record.current.store(slot as u32 + 1, Release);
        // A panic that an earlier call caught itself is not what this one dies of.
        record.words.clear();
        record.breadcrumb.clear();
        let timeout = header.timeout.load(Relaxed);
        if timeout != 0 {
            record.started.store(clock::now(), Relaxed);
        }
        if !header.state.begin(self.index as u16) {
            // Taken back: this worker was stopped, or slow beyond belief.
            record.current.store(0, Release);
            return false;
        }
        point("running");
        // Nobody else writes it.
        record.calls.store(record.calls.load(Relaxed).wrapping_add(1), Relaxed);
        if timeout != 0 {
            self.watch(record, timeout);
        }
        if header.published.load(Relaxed) != 0 {
            wait_is_over(self.region.tally(self.index), &header);
        }
        let background = header.state.state().is_background();
        if background {
            ledger::begin(self.region, slot);
        }
        self.answer(slot, header);
        point("answered");
        if header.state.state().expired() {
            point("overdue");
            // The supervisor tells the caller once this process is gone, or has the call run again.
            self.leave(EXPIRED);
        }
        if header.state.state().detached() && header.retries.load(Relaxed) == 0 {
            // Nobody collects it and gives the memory back; and nobody runs it again and needs it.
            self.region.cool(slot, &AtomicU64::new(header.arguments_len.load(Relaxed)));
        }
        if background {
            ledger::close(self.region, slot, self.index);
        }
        let settled = header.state.finish(self.index as u16);
        point("finished");
        record.current.store(0, Release);
        if announce(self.region, slot, settled) {
            self.leave(EXPIRED);
        }
        true
    }

    /// After a call: makes room for a fresh worker, or goes on and, where calls are handed out, wants the next.
    #[inline]
    fn decide(&self, recycling: &Recycling, hand: &mut Hand) {
        let record = self.region.worker(self.index);
        let due = recycling.is_due(record);
        if self.sandbox.is_some() && !due {
            record.ready.fetch_add(1, SeqCst);
        }
        self.ring();
        if due {
            self.settle(hand);
            point("recycled");
            self.leave(0);
        }
    }

    /// Kicks the supervisor when this call's deadline comes before its next look.
    ///
    /// Either the supervisor announced its alarm before this load, and it is compared; or it will
    /// look at the running calls after the announcement, and find this one.
    fn watch(&self, record: &WorkerRecord, timeout: u64) {
        let due = record.started.load(Relaxed).saturating_add(timeout);
        std::sync::atomic::fence(SeqCst);
        if due < self.region.head().next_alarm.load(SeqCst) {
            // A kick that fails leaves the supervisor's own alarm.
            let _ = eventfd::signal(self.kick.as_fd());
        }
    }

    /// Decodes, runs, encodes: everything that is user code.
    #[inline]
    fn answer(&self, slot: usize, header: Slot<'_>) {
        let mut store = self.region.result_store(slot);
        let limit = self.region.geometry().window;
        // Who hands calls out copies the result from its own place.
        let mut out = match self.sandbox {
            None => WindowWriter::that_may_refer(&mut store, limit),
            Some(_) => WindowWriter::new(&mut store, limit),
        };
        let outcome = match self.invoke(slot, header, &mut out) {
            // It may have asked, and left off in the middle.
            Ok(()) if header.state.state().cancelled() => Err(Report::Cancelled),
            answer => answer,
        };
        match outcome {
            Ok(()) => {
                let start = out.referred();
                header.result_start.store(start.unwrap_or(0) as u64, Relaxed);
                header.hold(start.map_or(Outcome::Value, |_| Outcome::Part), out.needed() as u64);
            }
            Err(report) => {
                // A panic that was caught is nobody's last word.
                self.region.worker(self.index).words.clear();
                report.put(&header, &mut out);
            }
        }
        // Text that ends without a newline would die with the worker.
        let _ = std::io::stdout().flush();
    }

    #[inline]
    fn invoke(&self, slot: usize, header: Slot<'_>, out: &mut WindowWriter<'_>) -> Result<(), Report> {
        if header.state.state().cancelled() {
            // Between claiming and beginning it; from now on the supervisor sees to it.
            return Err(Report::Cancelled);
        }
        let id = header.task.load(Relaxed);
        let entry = self.registry.find(id).ok_or(Report::UnknownTask { id })?;
        let codec = Codec::from_byte(header.codec.load(Relaxed) as u8).ok_or_else(|| {
            Report::Decode("the codec is not one that this program was built with".to_owned())
        })?;
        let len = header.arguments_len.load(Relaxed) as usize;
        if len > self.region.geometry().window {
            return Err(Report::Decode("the arguments are longer than their window".to_owned()));
        }
        let shared = Borrowed::default();
        let arguments = self.region.arguments(slot, len);
        let invocation = Invocation { arguments, codec, shared: &shared, results: out };
        let result: Result<(), Failure> = panics::caught(|| {
            if self.faults {
                fault::happen(header.fault.swap(0, Relaxed));
            }
            (entry.run)(invocation)
        })?;
        result.map_err(Report::from)
    }
}

/// Counts how long a call has waited whose client wants to know, once it has begun.
#[cold]
pub(in crate::processes) fn wait_is_over(tally: &Tally, call: &SlotHeader) {
    tally.waited(clock::now().saturating_sub(call.published.swap(0, Relaxed)));
}

/// Tells those who wait for the call or for a free slot; whether its worker is being ended over it.
pub(in crate::processes) fn tell(region: &Region, slot: usize, settled: Settled) -> bool {
    let expired = announce(region, slot, settled);
    progress(region, 1);
    expired
}

/// As [`tell`], for a worker that has more calls in hand: it counts them together.
fn announce(region: &Region, slot: usize, settled: Settled) -> bool {
    match settled {
        Settled::Kept { wake, expired } => {
            if wake {
                wake_waiters(region, slot);
            }
            expired
        }
        Settled::Freed { expired } => {
            region.free().insert(slot);
            expired
        }
        Settled::NotMine => false,
    }
}

/// Wakes whoever sleeps on the word of a call that has settled, and tells who looks after awaited ones.
pub(in crate::processes) fn wake_waiters(region: &Region, slot: usize) {
    futex::wake(low_half(region.slot(slot).state), i32::MAX);
    if region.watch().tell(slot) {
        point("told");
        wake_watcher(region);
    }
}

/// Wakes the thread that looks after awaited calls, whatever the bell says.
pub(in crate::processes) fn wake_watcher(region: &Region) {
    futex::wake(low_half(&region.head().bell.0), 1);
}

/// The half of a word that the futex sees.
pub(crate) fn low_half(state: &std::sync::atomic::AtomicU64) -> &std::sync::atomic::AtomicU32 {
    crate::shm::region::futex_half(state)
}

/// Counts slots whose words were just swapped, for clients that wait for some of them.
#[inline]
pub(crate) fn progress(region: &Region, slots: u32) {
    let (head, slots) = (region.head(), i64::from(slots));
    AtomicU64::meet();
    if head.sleepers.load(SeqCst) != 0 && (1..=slots).contains(&head.countdown.fetch_sub(slots, SeqCst)) {
        wake_sleepers(region);
    }
}

/// Wakes clients that wait for slots to move.
#[cold]
pub(crate) fn wake_sleepers(region: &Region) {
    let head = region.head();
    head.progress.0.fetch_add(1, SeqCst);
    futex::wake(&head.progress.0, i32::MAX);
}
