//! The least that such a pool can be: shared memory, a row of state words with their payload inline,
//! forked workers. No codec, no crash handling, no back-pressure: what multicore is measured by.

use std::collections::BTreeSet;
use std::hint;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};
use std::time::{Duration, Instant};

use anyhow::Result;
use bytemuck::Zeroable;

use super::{Crew, Setting, WORKERS};
use crate::raw::{Child, Common, Memory, futex_wait, futex_wake};
use crate::work;

/// Calls that can be under way at once.
const ROWS: u64 = 1024;

/// As long as this both sides look again before they sleep.
const SPIN: Duration = Duration::from_micros(25);

/// Calls that one swap claims at most.
const CLAIM: u64 = 16;

const FREE: u32 = 0;
const READY: u32 = 1;
const DONE: u32 = 2;
/// A bit: the client sleeps on this word.
const WAITED_FOR: u32 = 4;

/// What a call does with its two words.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Kind {
    Next,
    Sum,
    Primes,
    Render,
    Burn,
    Echo,
    Glance,
}

const KINDS: [Kind; 7] =
    [Kind::Next, Kind::Sum, Kind::Primes, Kind::Render, Kind::Burn, Kind::Echo, Kind::Glance];

/// One call; a cache line.
#[derive(Zeroable)]
#[repr(C, align(64))]
struct Row {
    state: AtomicU32,
    kind: AtomicU32,
    words: [AtomicU64; 2],
    result: AtomicU64,
}

/// A counter on a cache line of its own.
#[derive(Zeroable)]
#[repr(C, align(64))]
struct Line<T>(T);

#[derive(Zeroable)]
#[repr(C)]
struct Board {
    /// How many calls were published, and how many of them claimed: the next ones are in between.
    published: Line<AtomicU64>,
    claimed: Line<AtomicU64>,
    /// A bit for each worker that sleeps.
    idle: Line<AtomicU32>,
    /// What each worker sleeps on.
    bells: [Line<AtomicU32>; WORKERS],
    /// Calls of the batch that have not finished; the client sleeps on it.
    remaining: Line<AtomicU32>,
    rows: [Row; ROWS as usize],
}

/// What client and workers share.
struct Shared {
    board: Common<Board>,
    arguments: Memory,
    result: Memory,
    /// What J7 shows to the workers.
    data: Option<Arc<Memory>>,
    spin: bool,
}

/// A running prototype.
pub(super) struct Prototype {
    shared: Arc<Shared>,
    /// Ended and collected when dropped.
    _workers: Vec<Child>,
    sent: u64,
}

impl Prototype {
    pub(super) fn start(setting: &Setting) -> Result<Prototype> {
        Prototype::start_with(setting, None)
    }

    fn start_with(setting: &Setting, data: Option<Arc<Memory>>) -> Result<Prototype> {
        let shared = Arc::new(Shared {
            board: Common::new()?,
            arguments: Memory::new(super::LARGEST)?,
            result: Memory::new(super::LARGEST)?,
            data,
            spin: setting.spin,
        });
        let workers = (0..setting.workers).map(|index| Child::fork(|| shared.serve(index)));
        Ok(Prototype { _workers: workers.collect::<Result<_>>()?, shared, sent: 0 })
    }

    /// Writes a call into the next row; its number.
    fn publish(&mut self, kind: Kind, words: [u64; 2]) -> u64 {
        let row = self.shared.row(self.sent);
        row.kind.store(kind as u32, Relaxed);
        row.words[0].store(words[0], Relaxed);
        row.words[1].store(words[1], Relaxed);
        row.state.store(READY, Relaxed);
        self.sent += 1;
        self.sent - 1
    }

    /// Shows what was published to the workers, and wakes as many as are asked for.
    fn announce(&self, wanted: u32) {
        let board = &self.shared.board;
        board.published.0.store(self.sent, Release);
        // Either this sees a worker's idle bit, or that worker sees the call: see `Shared::sleep`.
        fence(SeqCst);
        for _ in 0..wanted {
            let idle = board.idle.0.load(Relaxed);
            if idle == 0 {
                return;
            }
            let index = idle.trailing_zeros();
            if board.idle.0.fetch_and(!(1 << index), AcqRel) & (1 << index) != 0 {
                let bell = &board.bells[index as usize].0;
                bell.fetch_add(1, Release);
                futex_wake(bell);
            }
        }
    }

    /// Waits for the call and frees its row.
    fn collect(&self, number: u64) -> u64 {
        let row = self.shared.row(number);
        if self.shared.spin {
            spin_until(|| row.state.load(Acquire) == DONE);
        }
        while row.state.load(Acquire) != DONE {
            if row.state.compare_exchange(READY, READY | WAITED_FOR, AcqRel, Acquire).is_ok() {
                while row.state.load(Acquire) != DONE {
                    futex_wait(&row.state, READY | WAITED_FOR);
                }
            }
        }
        row.state.store(FREE, Relaxed);
        row.result.load(Relaxed)
    }

    fn one(&mut self, kind: Kind, words: [u64; 2]) -> u64 {
        let number = self.publish(kind, words);
        self.announce(1);
        self.collect(number)
    }

    /// Work for all: the client has nothing to do meanwhile, and spinning would take a worker's core.
    fn batch(&mut self, kind: Kind, calls: &[[u64; 2]]) -> Vec<u64> {
        self.joined(kind, calls, false)
    }

    /// All calls at once, joined on a countdown; never more than [`ROWS`] of them.
    fn joined(&mut self, kind: Kind, calls: &[[u64; 2]], spin: bool) -> Vec<u64> {
        let mut results = Vec::with_capacity(calls.len());
        for part in calls.chunks(ROWS as usize) {
            let remaining = &self.shared.board.remaining.0;
            remaining.store(part.len() as u32, Relaxed);
            let first = self.sent;
            part.iter().for_each(|words| {
                self.publish(kind, *words);
            });
            self.announce(WORKERS as u32);
            let remaining = &self.shared.board.remaining.0;
            if spin {
                spin_until(|| remaining.load(Acquire) == 0);
            }
            loop {
                match remaining.load(Acquire) {
                    0 => break,
                    left => futex_wait(remaining, left),
                }
            }
            results.extend((first..self.sent).map(|number| self.collect(number)));
        }
        results
    }
}

/// Looks until it is so, at most [`SPIN`].
fn spin_until(so: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        for _ in 0..64 {
            if so() {
                return true;
            }
            hint::spin_loop();
        }
        if start.elapsed() > SPIN {
            return false;
        }
    }
}

impl Shared {
    fn row(&self, number: u64) -> &Row {
        &self.board.rows[(number % ROWS) as usize]
    }

    /// A worker's life.
    fn serve(&self, index: usize) {
        loop {
            match self.claim() {
                Some((first, count)) => self.run(first, count, index),
                None if self.spin && spin_until(|| self.has_calls()) => {}
                None => self.sleep(index),
            }
        }
    }

    fn has_calls(&self) -> bool {
        self.board.claimed.0.load(Relaxed) < self.board.published.0.load(Acquire)
    }

    /// Takes up to [`CLAIM`] calls, and no more than this worker's share of what is there.
    fn claim(&self) -> Option<(u64, u64)> {
        let board = &self.board;
        let mut claimed = board.claimed.0.load(Relaxed);
        loop {
            let there = board.published.0.load(Acquire).checked_sub(claimed).filter(|&there| there > 0)?;
            let count = (there / (2 * WORKERS as u64)).clamp(1, CLAIM);
            match board.claimed.0.compare_exchange_weak(claimed, claimed + count, AcqRel, Relaxed) {
                Ok(_) => return Some((claimed, count)),
                Err(now) => claimed = now,
            }
        }
    }

    fn run(&self, first: u64, count: u64, index: usize) {
        let mut batch = 0;
        for number in first..first + count {
            let row = self.row(number);
            let words = [row.words[0].load(Relaxed), row.words[1].load(Relaxed)];
            let kind = KINDS[row.kind.load(Relaxed) as usize];
            row.result.store(self.answer(kind, words, index), Relaxed);
            if row.state.swap(DONE, AcqRel) & WAITED_FOR != 0 {
                futex_wake(&row.state);
            }
            batch += 1;
        }
        let remaining = &self.board.remaining.0;
        // Zero where no batch is under way: it must not go below that.
        let left = remaining.fetch_update(AcqRel, Relaxed, |left| left.checked_sub(batch));
        if left == Ok(batch) {
            futex_wake(remaining);
        }
    }

    fn answer(&self, kind: Kind, words: [u64; 2], index: usize) -> u64 {
        let range = words[0]..words[1];
        match kind {
            Kind::Next => words[0] + 1,
            Kind::Sum => work::sum_of_next(range),
            Kind::Primes => work::primes(range),
            Kind::Render => work::render(range).len() as u64,
            Kind::Burn => work::burn(words[0]),
            Kind::Echo => {
                self.result.copy_from(&self.arguments, words[0] as usize);
                words[0]
            }
            // With the worker that looked: all of them have to.
            Kind::Glance => {
                let seen = self.data.as_ref().map_or(0, |data| work::glance(data.bytes(words[0] as usize)));
                seen * WORKERS as u64 + index as u64
            }
        }
    }

    fn sleep(&self, index: usize) {
        let (idle, bell) = (&self.board.idle.0, &self.board.bells[index].0);
        let rung = bell.load(Acquire);
        idle.fetch_or(1 << index, AcqRel);
        fence(SeqCst);
        if self.has_calls() {
            idle.fetch_and(!(1 << index), AcqRel);
        } else {
            futex_wait(bell, rung);
        }
    }
}

fn pairs(ranges: &[std::ops::Range<u64>]) -> Vec<[u64; 2]> {
    ranges.iter().map(|range| [range.start, range.end]).collect()
}

impl Crew for Prototype {
    fn word(&mut self, n: u64) -> Result<u64> {
        Ok(self.one(Kind::Next, [n, 0]))
    }

    fn each(&mut self, tasks: u64, in_flight: u64) -> Result<u64> {
        let (mut sum, start) = (0, self.sent);
        for n in 0..tasks {
            if n >= in_flight {
                sum += self.collect(start + n - in_flight);
            }
            self.publish(Kind::Next, [n, 0]);
            self.announce(1);
        }
        let left = start + tasks.saturating_sub(in_flight);
        Ok(sum + (left..self.sent).map(|number| self.collect(number)).sum::<u64>())
    }

    fn chunked(&mut self, chunks: &[std::ops::Range<u64>]) -> Result<u64> {
        Ok(self.batch(Kind::Sum, &pairs(chunks)).iter().sum())
    }

    fn echo(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.shared.arguments.write(bytes);
        let len = self.one(Kind::Echo, [bytes.len() as u64, 0]) as usize;
        let mut echo = Vec::with_capacity(len);
        self.shared.result.read(len, &mut echo);
        Ok(echo)
    }

    fn primes(&mut self, ranges: &[std::ops::Range<u64>]) -> Result<u64> {
        Ok(self.batch(Kind::Primes, &pairs(ranges)).iter().sum())
    }

    fn render(&mut self, ranges: &[std::ops::Range<u64>]) -> Result<u64> {
        Ok(self.batch(Kind::Render, &pairs(ranges)).iter().sum())
    }

    fn burn(&mut self, calls: usize, turns: u64) -> Result<()> {
        self.batch(Kind::Burn, &vec![[turns, 0]; calls]);
        Ok(())
    }

    fn pair(&mut self) -> Result<()> {
        self.joined(Kind::Next, &[[0, 0], [1, 0]], self.shared.spin);
        Ok(())
    }
}

/// J7: the data lies in shared memory before; the pool is forked, and both workers look at it.
pub(super) fn visible(len: usize) -> Result<Duration> {
    let data = Arc::new(Memory::new(len)?);
    data.write(&super::sample_data(len));
    let start = Instant::now();
    let mut pool = Prototype::start_with(&Setting::default(), Some(data.clone()))?;
    let mut looked = BTreeSet::new();
    while looked.len() < WORKERS {
        looked.extend(pool.batch(Kind::Glance, &[[len as u64, 0]; WORKERS]));
    }
    let time = start.elapsed();
    let right = work::glance(data.bytes(len)) * WORKERS as u64;
    super::same(looked, (0..WORKERS as u64).map(|index| right + index).collect())?;
    Ok(time)
}
