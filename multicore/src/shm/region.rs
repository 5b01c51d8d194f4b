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

use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use memmap2::{Advice, MmapRaw};

use super::hint::HintSet;
use super::layout::{Geometry, Head, INLINE, PAGE, SlotHeader, WorkerRecord};
use super::lookout::Lookout;
use super::window::{Payload, Store};

/// The most bytes that are backed before they are asked for.
const AHEAD: usize = 256 << 10;
/// Bytes of a window that stay warm between calls; what is above is given back.
const WARM: usize = 1 << 20;

/// Gives a region's file its pages and takes them back.
pub(crate) trait Pages: Send + Sync {
    /// Backs `offset..offset + len` with memory, or says that there is none.
    fn provide(&self, offset: usize, len: usize) -> io::Result<()>;
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
    pub(crate) fn slot(&self, index: usize) -> Slot<'_> {
        assert!(index < self.geometry.slots);
        // SAFETY: [map-live] [control-atomic] index is in range and words are 8-aligned.
        let state = unsafe { self.at(self.geometry.state(index)).cast().as_ref() };
        // SAFETY: [map-live] [control-atomic] index is in range and headers are 128-aligned.
        let header = unsafe { self.at(self.geometry.slot(index)).cast().as_ref() };
        Slot { state, header }
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

    /// Who looks for calls.
    #[inline]
    pub(crate) fn lookout(&self) -> Lookout<'_> {
        let alert = self.set(self.geometry.alert_set(), self.geometry.workers);
        Lookout { ready: self.ready(), idle: self.idle(), alert }
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

    /// Gives back the pages of a slot's windows that a large call left, but for the first; `backed` is
    /// how many the arguments have.
    #[inline]
    pub(crate) fn cool(&self, slot: usize, backed: &AtomicU64) {
        for window in [self.arguments_store(slot, backed), self.result_store(slot)] {
            if window.backed.load(Relaxed) as usize > WARM {
                window.trim();
            }
        }
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
        if len > WARM && !self.pages.is_written(offset, len) {
            return None;
        }
        // SAFETY: [map-live] the bytes are in range; a hostile worker may go on writing them, which
        // `Payload` is made for.
        Some(unsafe { Payload::new(self.at(offset), len) })
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
    /// Gives memory back beyond the [`WARM`] bytes.
    pub(crate) fn trim(&self) {
        // A forged hint from a worker must not reach into the next window.
        let backed = (self.backed.load(Relaxed) as usize).min(self.region.geometry.window_bytes());
        if backed > WARM && self.region.pages.release(self.window + WARM, backed - WARM).is_ok() {
            self.backed.store(WARM as u64, Relaxed);
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
        // More than asked, so that a long encoding asks seldom; a lone small payload gets one page.
        let ahead = if need <= PAGE { 0 } else { need.min(AHEAD) };
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
}

impl WorkerRecord {
    /// As before the first worker of this seat.
    pub(crate) fn reset(&self) {
        for word in [&self.ready, &self.current, &self.stack_overflow, &self.asks, &self.pid] {
            word.store(0, Relaxed);
        }
        self.calls.store(0, Relaxed);
        self.hand.store(0, Relaxed);
        self.words.clear();
        self.breadcrumb.clear();
    }
}

/// The half of a state word that a futex can sleep on.
pub(crate) fn futex_half(state: &AtomicU64) -> &AtomicU32 {
    // SAFETY: [control-atomic] the low half of a little-endian 8-byte atomic stands first, is aligned
    // for 4 bytes, and is accessed as an atomic only; the kernel reads it, nobody writes it alone.
    unsafe { &*std::ptr::from_ref(state).cast::<AtomicU32>() }
}
