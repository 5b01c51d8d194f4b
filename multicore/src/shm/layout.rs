//! Which byte of the region is what. Offsets, not pointers, cross processes; all of them follow from
//! the [`Geometry`], which each process has from its own trusted side.
//!
//! ```text
//! head | six sets | worker records | tallies | state words | slot headers | accounts | windows …
//!                                                 one row                                 slot 0: arguments, result
//!                                                                                         slot 1: arguments, result
//! ```
//!
//! A payload of up to [`INLINE`] bytes lies in its slot's header, a longer one in its window: the length says
//! which. So a small call touches no page of its own. The state words stand in a row: whoever claims, publishes or
//! collects several calls moves one cache line for eight of them.
//!
//! The tests include this file for their hostile workers: beside the standard library, `latch`, `note` and `tally`
//! it names nothing.
//!
//! The part up to the windows is given its pages before the first call. The windows are sparse:
//! each is as large as the payload limit, and costs memory only where it was written.

use std::mem::offset_of;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64};

use super::latch::SeqLatch;
use super::note::Note;
use super::tally::Tally;

/// Bytes of a page, as far as the layout is concerned: windows start at multiples of it.
pub(crate) const PAGE: usize = 4096;

/// The longest payload that lies in the slot's header.
pub(crate) const INLINE: usize = 80;

/// The most slots and workers that a region may have; their numbers travel in 16 bits.
pub(crate) const MAX_SLOTS: usize = 32_768;
/// As [`MAX_SLOTS`].
pub(crate) const MAX_WORKERS: usize = 1024;

/// The numbers that fix the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Geometry {
    /// Calls that can be under way at once.
    pub(crate) slots: usize,
    /// Worker processes.
    pub(crate) workers: usize,
    /// The most bytes of one payload.
    pub(crate) window: usize,
}

/// What there is once a region.
#[repr(C, align(128))]
pub(crate) struct Head {
    /// Nanoseconds on the monotonic clock at which the supervisor looks next.
    pub(crate) next_alarm: AtomicU64,
    /// Nonzero: workers leave once no call is ready.
    pub(crate) draining: AtomicU32,
    /// Moves when workers may have shared data mapped that nobody names any more.
    pub(crate) shares: AtomicU32,
    /// Nonzero: some ready call may have a priority. Moves whenever one is offered.
    pub(crate) ranked: AtomicU32,
    pub(crate) claim_cursor: Aligned<AtomicU32>,
    /// As `claim_cursor`, of background calls.
    pub(crate) background_cursor: AtomicU32,
    /// A futex that moves whenever a slot settles or is freed while somebody sleeps on it.
    pub(crate) progress: Aligned<AtomicU32>,
    /// How many sleep on `progress`.
    pub(crate) sleepers: AtomicU32,
    /// How many threads of the client sleep until one call settles.
    pub(crate) dormant: AtomicU32,
    /// Calls that are still to settle before they are woken.
    pub(crate) countdown: AtomicI64,
    /// How often the supervisor of a sandboxed pool has looked at what its workers say.
    pub(crate) looks: AtomicU32,
    /// Whether calls are awaited, and whether the thread that looks after them sleeps: on this word.
    pub(crate) bell: Aligned<AtomicU64>,
}

/// A value on cache lines of its own.
#[repr(C, align(128))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// One worker's part of the region.
#[repr(C, align(128))]
pub(crate) struct WorkerRecord {
    /// A futex that moves when the worker is woken.
    pub(crate) wake: AtomicU32,
    /// Nonzero once its start hooks have run; in a private region, how many calls it has wanted.
    pub(crate) ready: AtomicU32,
    /// Nonzero once it met the end of its stack.
    pub(crate) stack_overflow: AtomicU32,
    /// The slot it runs, plus one: a hint.
    pub(crate) current: AtomicU32,
    /// Nanoseconds on the monotonic clock at which it began that call, if the call has a time limit. Not
    /// in the slot: an owner that was stopped, and lost its claim, may still write it.
    pub(crate) started: AtomicU64,
    /// The generation of the call that last asked whether it is to end.
    pub(crate) asks: AtomicU32,
    /// The process.
    pub(crate) pid: AtomicU32,
    /// How many calls it has begun.
    pub(crate) calls: AtomicU64,
    /// The hints that it took last with one swap: the word of the ready set, and which bits. Others look here
    /// for calls that it has not come to.
    pub(crate) hand_word: AtomicU32,
    pub(crate) hand: AtomicU64,
    /// The core that it took them on.
    pub(crate) core: AtomicU32,
    /// The message of a panic that aborts, or why it never became ready.
    pub(crate) words: Note<128>,
    /// What its call said last of where it is.
    pub(crate) breadcrumb: Note<32>,
    /// How far its call has come.
    pub(crate) steps: Steps,
}

/// How far a call says that it has come.
#[repr(C)]
pub(crate) struct Steps<const WORDS: usize = 32, A = AtomicU64> {
    /// The call, as one number, or 0 for none; how much is done, and of how much; and which message.
    pub(crate) numbers: SeqLatch<4, A>,
    pub(crate) message: Note<WORDS, A>,
}

/// One slot's header: everything about its call but the state word, all of it whoever's that word names. The
/// halves lie apart, and each begins a short payload in its first cache line: a small call costs each side one.
#[repr(C, align(128))]
pub(crate) struct SlotHeader {
    /// The task's stable ID.
    pub(crate) task: AtomicU64,
    /// Nanoseconds that the call may run; 0 for no limit.
    pub(crate) timeout: AtomicU64,
    pub(crate) arguments_len: AtomicU64,
    /// How often the call may be run again after its worker died.
    pub(crate) retries: AtomicU32,
    pub(crate) codec: AtomicU32,
    /// The fault that befalls the call, by number; 0 for none.
    pub(crate) fault: AtomicU32,
    /// Nonzero: the windows were emptied since the slot was last used.
    pub(crate) cooled: AtomicU32,
    /// When the call was published, on the monotonic clock; 0 unless somebody wants to know how long it waits.
    pub(crate) published: AtomicU64,
    /// The arguments where they are short. Written and read as a window's bytes are, by the same owners.
    arguments: Inline,
    pub(crate) result_len: AtomicU64,
    /// Bytes of the result window that have pages: a hint for the next writer.
    pub(crate) result_pages: AtomicU64,
    /// An [`Outcome`] by number.
    pub(crate) outcome: AtomicU32,
    /// The [`Verdict`] on a call that failed, by number, until the client has counted it; 0 for none.
    pub(crate) verdict: AtomicU32,
    /// Where in the argument window a result begins that is a part of it.
    pub(crate) result_start: AtomicU64,
    /// The result where it is short, likewise.
    result: Inline,
}

/// What a background call leaves of itself, beside its header: other calls never touch it.
#[repr(C)]
pub(crate) struct Account {
    /// Nanoseconds on the monotonic clock; 0 for not yet.
    pub(crate) started: AtomicU64,
    /// As `started`.
    pub(crate) finished: AtomicU64,
    /// Nonzero if it has said how far it came.
    pub(crate) reported: AtomicU64,
    /// What it said last.
    pub(crate) done: AtomicU64,
    pub(crate) total: AtomicU64,
}

/// Room for a short payload; at a multiple of the alignment that windows promise.
#[repr(C, align(16))]
struct Inline([AtomicU8; INLINE]);

/// What the result window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Outcome {
    /// The encoded result.
    Value = 1,
    /// An encoded report of what went wrong.
    Report = 2,
    /// Nothing, for want of memory even for a report; the kernel's error stands in for its length.
    NoMemory = 3,
    /// Nothing: the result is a part of the arguments, from `result_start` on.
    Part = 4,
}

/// How a call failed, for those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Verdict {
    Panicked = 1,
    /// The arguments or the result did not come through.
    Failed = 2,
    Died = 3,
    TimedOut = 4,
    Cancelled = 5,
}

impl Verdict {
    const ALL: [Verdict; 5] =
        [Verdict::Panicked, Verdict::Failed, Verdict::Died, Verdict::TimedOut, Verdict::Cancelled];

    /// The verdict of this number; `None` for 0. A number that means nothing is a forged one's.
    pub(crate) fn of(number: u32) -> Option<Verdict> {
        let known = || Verdict::ALL.into_iter().find(|verdict| *verdict as u32 == number);
        (number != 0).then(|| known().unwrap_or(Verdict::Failed))
    }
}

impl SlotHeader {
    /// Says what the result window holds, in so many bytes.
    pub(crate) fn hold(&self, outcome: Outcome, len: u64) {
        self.result_len.store(len, Relaxed);
        self.outcome.store(outcome as u32, Relaxed);
    }
}

impl Geometry {
    const fn set_bytes(members: usize) -> usize {
        members.div_ceil(64).div_ceil(16) * 128
    }

    pub(crate) const fn set_words(members: usize) -> usize {
        members.div_ceil(64)
    }

    pub(crate) const fn ready_set(&self) -> usize {
        size_of::<Head>()
    }

    pub(crate) const fn free_set(&self) -> usize {
        self.ready_set() + Self::set_bytes(self.slots)
    }

    pub(crate) const fn idle_set(&self) -> usize {
        self.free_set() + Self::set_bytes(self.slots)
    }

    pub(crate) const fn alert_set(&self) -> usize {
        self.idle_set() + Self::set_bytes(self.workers)
    }

    pub(crate) const fn told_set(&self) -> usize {
        self.alert_set() + Self::set_bytes(self.workers)
    }

    pub(crate) const fn background_set(&self) -> usize {
        self.told_set() + Self::set_bytes(self.slots)
    }

    pub(crate) const fn worker(&self, index: usize) -> usize {
        self.background_set() + Self::set_bytes(self.slots) + index * size_of::<WorkerRecord>()
    }

    pub(crate) const fn tally(&self, worker: usize) -> usize {
        self.worker(self.workers) + worker * size_of::<Tally>()
    }

    pub(crate) const fn state(&self, slot: usize) -> usize {
        self.tally(self.workers) + slot * size_of::<AtomicU64>()
    }

    pub(crate) const fn slot(&self, index: usize) -> usize {
        self.state(self.slots).next_multiple_of(128) + index * size_of::<SlotHeader>()
    }

    pub(crate) const fn account(&self, slot: usize) -> usize {
        self.slot(self.slots) + slot * size_of::<Account>()
    }

    /// Bytes before the first window.
    pub(crate) const fn control(&self) -> usize {
        self.account(self.slots).next_multiple_of(PAGE)
    }

    /// Bytes from one window to the next: the payload limit in whole pages.
    pub(crate) const fn window_bytes(&self) -> usize {
        self.window.next_multiple_of(PAGE)
    }

    pub(crate) const fn arguments_window(&self, slot: usize) -> usize {
        self.control() + slot * 2 * self.window_bytes()
    }

    pub(crate) const fn result_window(&self, slot: usize) -> usize {
        self.arguments_window(slot) + self.window_bytes()
    }

    pub(crate) const fn arguments_inline(&self, slot: usize) -> usize {
        self.slot(slot) + offset_of!(SlotHeader, arguments)
    }

    pub(crate) const fn result_inline(&self, slot: usize) -> usize {
        self.slot(slot) + offset_of!(SlotHeader, result)
    }

    /// Where a slot's arguments of so many bytes lie.
    pub(crate) const fn arguments(&self, slot: usize, len: usize) -> usize {
        if len <= INLINE { self.arguments_inline(slot) } else { self.arguments_window(slot) }
    }

    /// Where a slot's result of so many bytes lies.
    pub(crate) const fn result(&self, slot: usize, len: usize) -> usize {
        if len <= INLINE { self.result_inline(slot) } else { self.result_window(slot) }
    }

    /// Bytes of the whole region; `None` when they are more than an address can count.
    pub(crate) fn total(&self) -> Option<usize> {
        let windows = self.window.checked_next_multiple_of(PAGE)?.checked_mul(2)?.checked_mul(self.slots)?;
        self.control().checked_add(windows)
    }
}
