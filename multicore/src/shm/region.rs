//! References to the parts of one mapped region.
//!
//! Invariants, named in the safety comments:
//! - **[map-live]** the mapping lives as long as the `Region` and is `geometry.total()` bytes or more;
//!   the file below it is sealed against shrinking, so every byte stays backed. A process that was forked
//!   after [`keep_from_forks`](Region::keep_from_forks) lacks it, and does not use its copy of the `Region`.
//! - **[control-atomic]** the part before the windows, short payloads excepted, is only ever accessed as
//!   atomics, by every process, so shared references to it are sound whatever another process writes.
//! - **[window-own]** a window, and the place for a short payload in the header, is written only by the
//!   process that the slot's state word names: arguments by the client while filling, the result by the
//!   worker while running, by the supervisor once that worker is dead.
//! - **[payload-copy]** what another process may still write is read by raw copies alone, to memory of this
//!   process's own, and within bytes that are mapped.
//! - **[plain]** every bit pattern is a value of a type that is `Pod`.
//! - **[out-of-reach]** where the sandbox lets workers write to their own memory alone, nobody but client and
//!   supervisor maps the region.

use std::io;
use std::ops::{Deref, Range};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use memmap2::{Advice, MmapRaw};

use super::hint::HintSet;
use super::layout::{Account, Geometry, Head, INLINE, PAGE, SlotHeader, WorkerRecord};
use super::lookout::Lookout;
use super::tally::Tally;
use super::watch::Watch;
use super::window::{Payload, Store};

/// The most bytes that are backed before they are asked for.
const AHEAD: usize = 256 << 10;
/// Bytes of a window that stay warm between calls whatever the pool may keep, until it is idle.
pub(crate) const FLOOR: usize = 16 << 10;
/// A result longer than this is looked for in the file before it is read.
const BELIEVED: usize = 1 << 20;
/// From so many bytes on the kernel writes what has no pages yet: in one step it provides them and fills
/// them. Measured on 64 MiB: 25 ms, against 40 to provide them, have them mapped at first touch, and copy.
const BY_KERNEL: usize = 64 << 10;

/// Gives a region's file its pages and takes them back.
pub(crate) trait Pages: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Backs `offset..offset + len` with memory, or says that there is none.
    fn provide(&self, offset: usize, len: usize) -> io::Result<()>;
    /// Backs what `bytes` take from `offset` on and puts them there, or says that it cannot: then part of
    /// it may be backed.
    fn write(&self, offset: usize, bytes: &[u8]) -> io::Result<()>;
    /// Gives the memory of `offset..offset + len` back.
    fn release(&self, offset: usize, len: usize) -> io::Result<()>;
    /// Whether every page of `offset..offset + len` was written.
    fn is_written(&self, offset: usize, len: usize) -> bool;
}

/// One mapped region.
pub(crate) struct Region {
    map: MmapRaw,
    geometry: Geometry,
    pages: Box<dyn Pages>,
}

impl Region {
    /// The region in `map`, whose first bytes are zero or another process's live region.
    ///
    /// # Errors
    /// The mapping is smaller than the geometry asks for.
    pub(crate) fn over(map: MmapRaw, geometry: Geometry, pages: Box<dyn Pages>) -> io::Result<Region> {
        match geometry.total() {
            Some(total) if total <= map.len() => Ok(Region { map, geometry, pages }),
            _ => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        }
    }

    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Leaves the mapping out of every process that this one forks from now on. There it is not to be
    /// touched, as little as after its end.
    pub(crate) fn keep_from_forks(&self) -> io::Result<()> {
        self.map.advise(Advice::DontFork)
    }

    #[inline]
    fn at(&self, offset: usize) -> NonNull<u8> {
        debug_assert!(offset < self.map.len());
        // SAFETY: [map-live] every caller passes an offset that the geometry made, below total().
        let start = unsafe { self.map.as_mut_ptr().add(offset) };
        // SAFETY: [map-live] an address inside a mapping is not null.
        unsafe { NonNull::new_unchecked(start) }
    }

    #[inline]
    pub(crate) fn head(&self) -> &Head {
        // SAFETY: [map-live] [control-atomic] the head is at the page-aligned start.
        unsafe { self.at(0).cast().as_ref() }
    }

    #[inline]
    pub(crate) fn worker(&self, index: usize) -> &WorkerRecord {
        assert!(index < self.geometry.workers);
        // SAFETY: [map-live] [control-atomic] index is in range and records are 128-aligned.
        unsafe { self.at(self.geometry.worker(index)).cast().as_ref() }
    }

    #[inline]
    pub(crate) fn tally(&self, worker: usize) -> &Tally {
        assert!(worker < self.geometry.workers);
        // SAFETY: [map-live] [control-atomic] worker is in range and tallies are 128-aligned.
        unsafe { self.at(self.geometry.tally(worker)).cast().as_ref() }
    }

    #[inline]
    pub(crate) fn slot(&self, index: usize) -> Slot<'_> {
        assert!(index < self.geometry.slots);
        // SAFETY: [map-live] [control-atomic] index is in range and words are 8-aligned.
        let state = unsafe { self.at(self.geometry.state(index)).cast().as_ref() };
        // SAFETY: [map-live] [control-atomic] index is in range and headers are 128-aligned.
        let header = unsafe { self.at(self.geometry.slot(index)).cast().as_ref() };
        Slot { state, header }
    }

    /// What a background call leaves of itself.
    pub(crate) fn account(&self, slot: usize) -> &Account {
        assert!(slot < self.geometry.slots);
        // SAFETY: [map-live] [control-atomic] the slot is in range and accounts are 8-aligned.
        unsafe { self.at(self.geometry.account(slot)).cast().as_ref() }
    }

    #[inline]
    fn set(&self, offset: usize, members: usize) -> HintSet<'_> {
        let words = Geometry::set_words(members);
        // SAFETY: [map-live] [control-atomic] the set holds that many words, 128-aligned.
        let words =
            unsafe { std::slice::from_raw_parts(self.at(offset).cast::<AtomicU64>().as_ptr(), words) };
        HintSet::over(words, members)
    }

    /// Slots that may be ready.
    #[inline]
    pub(crate) fn ready(&self) -> HintSet<'_> {
        self.set(self.geometry.ready_set(), self.geometry.slots)
    }

    /// Slots of calls that nobody waits for, and that may be ready.
    #[inline]
    pub(crate) fn background(&self) -> HintSet<'_> {
        self.set(self.geometry.background_set(), self.geometry.slots)
    }

    /// Slots that may be free.
    #[inline]
    pub(crate) fn free(&self) -> HintSet<'_> {
        self.set(self.geometry.free_set(), self.geometry.slots)
    }

    /// Workers that may be asleep.
    #[inline]
    pub(crate) fn idle(&self) -> HintSet<'_> {
        self.set(self.geometry.idle_set(), self.geometry.workers)
    }

    /// How many workers do not sleep, as far as the hints know.
    #[inline]
    pub(crate) fn awake(&self) -> usize {
        self.geometry.workers.saturating_sub(self.idle().len())
    }

    /// Who looks for calls.
    #[inline]
    pub(crate) fn lookout(&self) -> Lookout<'_> {
        let alert = self.set(self.geometry.alert_set(), self.geometry.workers);
        Lookout { ready: self.ready(), background: self.background(), idle: self.idle(), alert }
    }

    /// Who is told of calls that have settled.
    #[inline]
    pub(crate) fn watch(&self) -> Watch<'_> {
        let told = self.set(self.geometry.told_set(), self.geometry.slots);
        Watch { told, bell: &self.head().bell.0 }
    }

    /// Backs everything before the slot headers with memory: what a pool needs before its first call.
    pub(crate) fn provide_front(&self) -> io::Result<()> {
        self.pages.provide(0, self.geometry.slot(0))
    }

    /// Backs the slot headers with memory.
    pub(crate) fn provide_headers(&self) -> io::Result<()> {
        let from = self.geometry.slot(0);
        self.pages.provide(from, self.geometry.control() - from)
    }

    /// Everything before the windows, word by word.
    #[cfg(test)]
    pub(crate) fn control_words(&self) -> &[AtomicU64] {
        // SAFETY: [map-live] [control-atomic] the control part is whole pages from the start.
        unsafe { std::slice::from_raw_parts(self.at(0).cast().as_ptr(), self.geometry.control() / 8) }
    }

    /// Where the client writes a slot's arguments; `backed` remembers how many bytes have pages.
    pub(crate) fn arguments_store<'r>(&'r self, slot: usize, backed: &'r AtomicU64) -> WindowStore<'r> {
        assert!(slot < self.geometry.slots);
        let (inline, window) = (self.geometry.arguments_inline(slot), self.geometry.arguments_window(slot));
        WindowStore { region: self, inline, window, backed, is_inline: false }
    }

    /// Where a worker writes a slot's result.
    pub(crate) fn result_store(&self, slot: usize) -> WindowStore<'_> {
        let backed = &self.slot(slot).header.result_pages;
        let (inline, window) = (self.geometry.result_inline(slot), self.geometry.result_window(slot));
        WindowStore { region: self, inline, window, backed, is_inline: false }
    }

    /// Gives back the pages of a slot's windows that a large call left, but for the first [`FLOOR`] bytes;
    /// `backed` is how many the arguments have.
    #[inline]
    pub(crate) fn cool(&self, slot: usize, backed: &AtomicU64) {
        self.trim(slot, backed, [FLOOR; 2]);
    }

    /// As [`cool`](Region::cool), keeping so many bytes of the arguments and of the result.
    #[inline]
    pub(crate) fn trim(&self, slot: usize, backed: &AtomicU64, keep: [usize; 2]) {
        for (window, keep) in [self.arguments_store(slot, backed), self.result_store(slot)].iter().zip(keep) {
            let keep = keep.next_multiple_of(PAGE);
            if window.backed.load(Relaxed) as usize > keep {
                window.trim(keep);
            }
        }
    }

    /// Gives back all that the windows of a slot hold; their first pages as well.
    pub(crate) fn empty_windows(&self, slot: usize) {
        let (window, both) = (self.geometry.arguments_window(slot), 2 * self.geometry.window_bytes());
        if self.pages.release(window, both).is_ok() {
            self.slot(slot).result_pages.store(0, Relaxed);
        }
    }

    /// How many bytes of a slot's result have pages, as its writers say.
    #[inline]
    pub(crate) fn result_pages(&self, slot: usize) -> usize {
        (self.slot(slot).result_pages.load(Relaxed) as usize).min(self.geometry.window_bytes())
    }

    /// The arguments of a slot that this process, a worker, runs: `len` bytes, at most the window.
    ///
    /// The reference must not outlive the call.
    #[inline]
    pub(crate) fn arguments(&self, slot: usize, len: usize) -> &[u8] {
        assert!(slot < self.geometry.slots && len <= self.geometry.window);
        // SAFETY: [map-live] [window-own] the bytes are in range, and while this worker runs the call
        // the client, the only writer of arguments, leaves them alone.
        unsafe { std::slice::from_raw_parts(self.at(self.geometry.arguments(slot, len)).as_ptr(), len) }
    }

    /// The outcome of a slot, for the client; `None` when `len` is more than a window holds, or than was
    /// written to it: a forged length must not make the reader provide the memory.
    #[inline]
    pub(crate) fn result(&self, slot: usize, len: u64) -> Option<Payload<'_>> {
        assert!(slot < self.geometry.slots);
        let len = usize::try_from(len).ok().filter(|len| *len <= self.geometry.window)?;
        let offset = self.geometry.result(slot, len);
        let written = len <= BELIEVED || self.pages.is_written(offset, len);
        written.then(|| self.payload_at(offset..offset + len))
    }

    /// A part of a slot's arguments, as its outcome; `None` when it reaches beyond the `backed` bytes that this
    /// process provided.
    pub(crate) fn part(&self, slot: usize, start: u64, len: u64, backed: u64) -> Option<Payload<'_>> {
        let within = start.checked_add(len)? <= backed.min(self.geometry.window_bytes() as u64);
        let offset = within.then(|| self.geometry.arguments_window(slot) + start as usize)?;
        Some(self.payload_at(offset..offset + len as usize))
    }

    /// The payload in this part of the region.
    ///
    /// # Panics
    /// When there is no such part.
    #[inline]
    pub(crate) fn payload_at(&self, place: Range<usize>) -> Payload<'_> {
        assert!(place.start <= place.end && place.end <= self.map.len());
        // SAFETY: [map-live] as just checked the bytes are in range; a hostile worker may go on writing them,
        // which `Payload` is made for.
        unsafe { Payload::new(self.at(place.start), place.len()) }
    }

    /// Where a payload of this region lies.
    pub(crate) fn place_of(&self, payload: &Payload<'_>) -> Range<usize> {
        let start = payload.start().addr() - self.map.as_ptr().addr();
        start..start + payload.len()
    }
}

/// One slot: its state word, and its header as what it dereferences to.
#[derive(Clone, Copy)]
pub(crate) struct Slot<'r> {
    pub(crate) state: &'r AtomicU64,
    pub(crate) header: &'r SlotHeader,
}

impl Deref for Slot<'_> {
    type Target = SlotHeader;

    #[inline]
    fn deref(&self) -> &SlotHeader {
        self.header
    }
}

/// One payload's place as a [`Store`]: the header's as long as it fits, then the window, whose pages are
/// provided as the writer reaches them.
pub(crate) struct WindowStore<'r> {
    region: &'r Region,
    inline: usize,
    window: usize,
    backed: &'r AtomicU64,
    /// Whether the payload began in the header.
    is_inline: bool,
}

impl WindowStore<'_> {
    /// Gives all memory back beyond the first `keep` bytes: also what somebody provided and did not say.
    #[cold]
    fn trim(&self, keep: usize) {
        let window = self.region.geometry.window_bytes();
        if keep < window && self.region.pages.release(self.window + keep, window - keep).is_ok() {
            self.backed.store(keep as u64, Relaxed);
        }
    }

    /// The window, with `need` bytes usable.
    fn provide_window(&self, need: usize) -> io::Result<(NonNull<u8>, usize)> {
        let window = self.region.geometry.window_bytes();
        let backed = (self.backed.load(Relaxed) as usize).min(window);
        let start = self.region.at(self.window);
        if need <= backed {
            return Ok((start, backed));
        }
        // More than asked, so that a long encoding asks seldom; a lone small payload gets one page, and
        // what comes in one piece is rarely followed by more.
        let ahead = if need <= PAGE || need - backed > AHEAD { 0 } else { need.min(AHEAD) };
        let target = need.saturating_add(ahead).next_multiple_of(PAGE).min(window);
        let (from, len) = (self.window + backed, target - backed);
        self.region.pages.provide(from, len).inspect_err(|_| {
            // What came before memory ran out, now that others need it.
            let _ = self.region.pages.release(from, len);
        })?;
        self.backed.store(target as u64, Relaxed);
        Ok((start, target))
    }
}

impl Store for WindowStore<'_> {
    #[inline]
    fn provide(&mut self, need: usize) -> io::Result<(NonNull<u8>, usize)> {
        let inline = self.region.at(self.inline);
        if need <= INLINE {
            self.is_inline = true;
            return Ok((inline, INLINE));
        }
        let (start, usable) = self.provide_window(need)?;
        if std::mem::take(&mut self.is_inline) {
            // SAFETY: [window-own] both are this writer's, `INLINE` bytes and more, and do not overlap.
            unsafe { std::ptr::copy_nonoverlapping(inline.as_ptr(), start.as_ptr(), INLINE) };
        }
        Ok((start, usable))
    }

    fn write(&mut self, at: usize, bytes: &[u8]) -> io::Result<Option<(NonNull<u8>, usize)>> {
        let (window, end) = (self.region.geometry.window_bytes(), at.saturating_add(bytes.len()));
        let backed = (self.backed.load(Relaxed) as usize).min(window);
        if end > window || end.saturating_sub(backed.max(at)) < BY_KERNEL {
            return Ok(None);
        }
        let (start, usable) = self.provide(at.max(INLINE + 1))?;
        let (here, beyond) = bytes.split_at(usable.saturating_sub(at).min(bytes.len()));
        // A refusal is found again, and reported, where the pages are asked for without the bytes.
        if self.region.pages.write(self.window + at + here.len(), beyond).is_err() {
            return Ok(None);
        }
        // SAFETY: [window-own] the writer owns the window, and at <= usable.
        let to = unsafe { start.add(at) };
        // SAFETY: [window-own] at + here.len() <= usable; nobody else has a reference into an owned window.
        unsafe { std::ptr::copy_nonoverlapping(here.as_ptr(), to.as_ptr(), here.len()) };
        let backed = end.next_multiple_of(PAGE);
        self.backed.store(backed as u64, Relaxed);
        Ok(Some((start, backed)))
    }
}

impl WorkerRecord {
    /// As before the first worker of this seat; how many calls the last one had begun.
    pub(crate) fn reset(&self) -> u64 {
        let calls = self.calls.load(Relaxed);
        for word in [&self.ready, &self.current, &self.stack_overflow, &self.asks, &self.pid] {
            word.store(0, Relaxed);
        }
        self.calls.store(0, Relaxed);
        self.hand.store(0, Relaxed);
        self.words.clear();
        self.breadcrumb.clear();
        self.steps.clear();
        calls
    }
}

/// The half of a state word that a futex can sleep on.
pub(crate) fn futex_half(state: &AtomicU64) -> &AtomicU32 {
    // SAFETY: [control-atomic] the low half of a little-endian 8-byte atomic stands first, is aligned
    // for 4 bytes, and is accessed as an atomic only; the kernel reads it, nobody writes it alone.
    unsafe { &*std::ptr::from_ref(state).cast::<AtomicU32>() }
}
