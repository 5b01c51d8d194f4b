//! Where calls wait for a thread, and what each thread runs: all under one lock, never held while user code runs.

mod calls;
mod end;
mod look;
mod queue;
mod room;

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use self::calls::{Arguments, Calls, Queued, Seat, Standing};
use self::queue::Queue;
pub(crate) use self::room::Room;
use crate::call::{Call, Invocation};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::report::{Report, client_error};
use crate::shared::travel::{self, Borrowed};
use crate::shm::own::Memory;
use crate::shm::tally::ReuseCounts;
use crate::shm::window::WindowWriter;
use crate::sys::fork_guard::{self, Token};
use crate::threads::around;
use crate::threads::count::Count;
use crate::threads::work::{Answer, Outcome, Work};

/// One pool's calls.
pub(crate) struct Desk {
    /// Calls that may be queued or running at once.
    slots: usize,
    /// The most bytes of one payload.
    limit: usize,
    /// How long results of jobs wait to be collected.
    pub(crate) keep: Duration,
    calls: Mutex<Calls>,
    /// Somebody sleeps until a call is over, or until a thread has come or gone.
    moved: Condvar,
    /// Bytes of results that were collected.
    received: AtomicU64,
    made_in: Token,
}

impl Desk {
    pub(in crate::threads) fn new(settings: &Settings) -> Desk {
        let Settings { workers, slots, payload_limit: limit, keep_results: keep, .. } = *settings;
        let calls = Calls {
            standing: Standing::Open,
            under_way: 0,
            queue: Queue::new(),
            background: 0,
            line: VecDeque::new(),
            last: 0,
            runners: 0,
            seats: (0..workers).map(|_| Seat::default()).collect(),
            failed: None,
            sleepers: 0,
            count: Count::new(),
            most_background: workers - settings.limits.background_from,
        };
        let (calls, moved) = (Mutex::new(calls), Condvar::new());
        Desk { slots, limit, keep, calls, moved, received: AtomicU64::new(0), made_in: fork_guard::token() }
    }

    /// Whether this process is the one that made the pool, and not a fork of it: there a thread that is gone may
    /// have a lock for ever.
    pub(crate) fn is_here(&self) -> bool {
        !fork_guard::in_forked_child(self.made_in)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread of this seat counts on.
    pub(in crate::threads) fn resources(&self, seat: usize) -> Arc<ReuseCounts> {
        self.calls().seats[seat].resources.clone()
    }

    /// Sleeps until something has moved, at most until the moment; `None` once that is over.
    fn sleep<'d>(
        &self,
        mut calls: MutexGuard<'d, Calls>,
        until: Option<Instant>,
    ) -> Option<MutexGuard<'d, Calls>> {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return None;
        }
        calls.sleepers += 1;
        calls = match left {
            None => self.moved.wait(calls).unwrap_or_else(PoisonError::into_inner),
            Some(left) => self.moved.wait_timeout(calls, left).unwrap_or_else(PoisonError::into_inner).0,
        };
        calls.sleepers -= 1;
        Some(calls)
    }

    /// Wakes those who wait for something to move; whom to wake besides, once no lock is held.
    #[must_use = "somebody may stand in line"]
    fn tell(&self, calls: &Calls) -> Vec<Waker> {
        if calls.sleepers > 0 {
            self.moved.notify_all();
        }
        calls.called(self.slots)
    }

    /// Encodes a call for which there is room, and queues it; whether a further thread is to look for it.
    pub(in crate::threads) fn accept<R>(&self, room: Room, call: &Call<'_, R>) -> Result<(Arc<Work>, bool)> {
        call.check()?;
        let arguments = self.encode(call)?;
        let work = Arc::new(Work::new(call.entry, room.background()));
        let mut calls = self.calls();
        if calls.standing == Standing::Closed {
            drop(calls);
            return Err(Error::Closed);
        }
        room.taken();
        calls.count.queued(arguments.len);
        calls.queue.put(call.rank, Queued { since: Instant::now(), work: work.clone(), arguments });
        let wanted = calls.runners < calls.seats.len();
        calls.runners += usize::from(wanted);
        Ok((work, wanted))
    }

    fn encode<R>(&self, call: &Call<'_, R>) -> Result<Arguments> {
        let mut memory = Memory::default();
        let mut out = WindowWriter::new(&mut memory, self.limit);
        let (encoded, named) = travel::naming(true, || call.body.encode(call.codec, &mut out));
        encoded.map_err(|failure| client_error(failure, call.entry.name()))?;
        let len = out.needed();
        Ok(Arguments { memory, len, codec: call.codec, named })
    }

    /// Runs calls in this thread until none is queued.
    pub(in crate::threads) fn run(&self, seat: usize) {
        // `rayon` in a task function may have its thread take up something else while it waits: not another call.
        let mut next = if around::in_call() { self.nothing() } else { self.next(seat) };
        while let Some(queued) = next {
            let work = queued.work.clone();
            let outcome = self.answer(queued);
            next = self.over(seat, &work, outcome);
        }
    }

    fn nothing(&self) -> Option<Queued> {
        self.calls().runners -= 1;
        None
    }

    fn next(&self, seat: usize) -> Option<Queued> {
        self.calls().next(seat)
    }

    /// Counts a call out and says what became of it; the next.
    fn over(&self, seat: usize, work: &Work, outcome: Outcome) -> Option<Queued> {
        let mut calls = self.calls();
        calls.finished(seat);
        calls.leave(work.background);
        let waker = calls.settle(work, outcome);
        let next = calls.next(seat);
        let line = self.tell(&calls);
        drop(calls);
        wake(line.into_iter().chain(waker));
        next
    }

    /// Decodes, runs, encodes: everything that is user code.
    fn answer(&self, Queued { work, arguments, .. }: Queued) -> Outcome {
        if work.ends() {
            return Outcome::Report(Report::Cancelled);
        }
        let Arguments { memory, len, codec, named } = arguments;
        let mut results = Memory::default();
        let mut out = WindowWriter::that_may_refer(&mut results, self.limit);
        let shared = Borrowed::default();
        let ended = travel::here(named, || {
            let arguments = &memory.bytes()[..len];
            let invocation = Invocation { arguments, codec, shared: &shared, results: &mut out };
            around::call(&work, || (work.entry.run)(invocation))
        });
        let (len, referred) = (out.needed(), out.referred());
        match (ended, referred) {
            (Err(report), _) => Outcome::Report(report),
            (Ok(()), None) => Outcome::Value(Answer { memory: results, place: 0..len }),
            (Ok(()), Some(start)) => Outcome::Value(Answer { memory, place: start..start + len }),
        }
    }

    /// Nobody wants this call any more: queued, it is dropped; running, it is asked to end.
    pub(in crate::threads) fn cancel(&self, work: &Arc<Work>) {
        let mut calls = self.calls();
        let Some(queued) = calls.queue.remove(work) else {
            return work.ask_to_end();
        };
        calls.leave(work.background);
        let waker = calls.settle(work, Outcome::Report(Report::Cancelled));
        let line = self.tell(&calls);
        drop(calls);
        // It drops what its arguments name of shared data.
        drop(queued);
        wake(line.into_iter().chain(waker));
    }
}

/// Tells whoever awaits something, with no lock held.
fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}
