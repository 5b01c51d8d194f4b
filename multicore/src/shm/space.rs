//! The memory of one queue: which byte of it is what, and references to its parts.
//!
//! ```text
//! head: counters, bells, owners │ cells │ windows
//! └────────── pages from the start ─────┘ └─ sparse, pages as they are used
//! ```
//!
//! The invariants of [`region`](super::region) hold here too: **[map-live]**, **[control-atomic]** of all before the windows,
//! **[window-own]** by the cell's word, **[payload-copy]**.

use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use memmap2::{Advice, MmapRaw};

use super::bell::Bell;
use super::layout::{Aligned, PAGE};
use super::region::Pages;
use super::ring::Ring;
use super::window::Payload;

/// How many processes can use one queue at a time.
pub(crate) const OWNERS: usize = 512;
/// Bytes of an item that stand beside its cell's word.
const INLINE: usize = 40;
/// Bytes of a window that keep their pages when its item is gone.
const FLOOR: usize = 16 << 10;
/// An item longer than this is looked for in the file before it is read.
const BELIEVED: usize = 1 << 20;

/// One bell's words.
#[repr(C, align(128))]
pub(crate) struct BellWords {
    rings: AtomicU64,
    sleepers: AtomicU64,
}

/// One process that uses the queue.
#[repr(C)]
pub(crate) struct Owner {
    /// Which process: 0 for none.
    pub(crate) identity: AtomicU64,
    /// How many of its threads sleep until there is an item.
    pub(crate) for_items: AtomicU64,
    /// How many of its threads sleep until there is room.
    pub(crate) for_room: AtomicU64,
    _unused: AtomicU64,
}

#[repr(C)]
struct Head {
    tail: Aligned<AtomicU64>,
    head: Aligned<AtomicU64>,
    closed: Aligned<AtomicU64>,
    items: BellWords,
    room: BellWords,
    owners: [Owner; OWNERS],
}

/// One cell. What it says of its item is its owner's.
#[repr(C, align(64))]
pub(crate) struct Record {
    word: AtomicU64,
    len: AtomicU64,
    /// Bytes of the window that have pages.
    backed: AtomicU64,
    short: [AtomicU64; INLINE / 8],
}

impl AsRef<AtomicU64> for Record {
    #[inline]
    fn as_ref(&self) -> &AtomicU64 {
        &self.word
    }
}

/// Why there is no copy of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Its length is none that was written.
    Forged,
    /// There is no memory for it.
    NoMemory,
}

const CELLS_AT: usize = size_of::<Head>().next_multiple_of(PAGE);

/// How many items there can be, and of how many bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) capacity: usize,
    pub(crate) limit: usize,
}

impl Shape {
    fn stride(self) -> Option<usize> {
        if self.limit <= INLINE { Some(0) } else { self.limit.checked_next_multiple_of(PAGE) }
    }

    fn windows_at(self) -> Option<usize> {
        let cells = self.capacity.checked_mul(size_of::<Record>())?;
        CELLS_AT.checked_add(cells)?.checked_next_multiple_of(PAGE)
    }

    /// Bytes of memory; `None` where no machine has as many, or where there is no cell.
    pub(crate) fn total(self) -> Option<usize> {
        let windows = self.capacity.checked_mul(self.stride()?)?;
        let total = self.windows_at()?.checked_add(windows).filter(|total| *total <= isize::MAX as usize);
        if self.capacity == 0 { None } else { total }
    }
}

/// One queue's mapped memory.
pub(crate) struct Space {
    map: MmapRaw,
    shape: Shape,
    pages: Box<dyn Pages>,
}

impl Space {
    /// The queue in `map`, whose bytes are zero or another process's live queue.
    ///
    /// # Errors
    /// The mapping is smaller than the shape asks for.
    pub(crate) fn over(map: MmapRaw, shape: Shape, pages: Box<dyn Pages>) -> io::Result<Space> {
        match shape.total() {
            Some(total) if total <= map.len() => Ok(Space { map, shape, pages }),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Backs everything before the windows with memory.
    pub(crate) fn provide_front(&self) -> io::Result<()> {
        self.pages.provide(0, self.windows_at())
    }

    fn windows_at(&self) -> usize {
        // `over` has computed it.
        self.shape.windows_at().unwrap_or(self.map.len())
    }

    #[inline]
    fn at(&self, offset: usize) -> NonNull<u8> {
        debug_assert!(offset <= self.map.len());
        // SAFETY: [map-live] every caller passes an offset that the shape made, at most total().
        let start = unsafe { self.map.as_mut_ptr().add(offset) };
        // SAFETY: [map-live] an address inside a mapping is not null.
        unsafe { NonNull::new_unchecked(start) }
    }

    #[inline]
    fn head(&self) -> &Head {
        // SAFETY: [map-live] [control-atomic] the head is at the page-aligned start.
        unsafe { self.at(0).cast().as_ref() }
    }

    #[inline]
    fn cells(&self) -> &[Record] {
        let cells = self.at(CELLS_AT).cast::<Record>();
        // SAFETY: [map-live] [control-atomic] there are as many, from a page's start on.
        unsafe { std::slice::from_raw_parts(cells.as_ptr(), self.shape.capacity) }
    }

    #[inline]
    pub(crate) fn ring(&self) -> Ring<'_, AtomicU64, Record> {
        let Head { tail, head, closed, .. } = self.head();
        Ring { tail: &tail.0, head: &head.0, closed: &closed.0, cells: self.cells() }
    }

    /// What consumers sleep on.
    #[inline]
    pub(crate) fn items(&self) -> Bell<'_, AtomicU64> {
        let BellWords { rings, sleepers } = &self.head().items;
        Bell { rings, sleepers }
    }

    /// What producers sleep on.
    #[inline]
    pub(crate) fn room(&self) -> Bell<'_, AtomicU64> {
        let BellWords { rings, sleepers } = &self.head().room;
        Bell { rings, sleepers }
    }

    /// The processes that use it.
    #[inline]
    pub(crate) fn owners(&self) -> &[Owner; OWNERS] {
        &self.head().owners
    }

    /// Producer: puts an item into a cell that is being filled.
    ///
    /// # Errors
    /// The kernel's, when it has no memory to give; then nothing of the item counts.
    ///
    /// # Panics
    /// When it is longer than the limit.
    #[inline]
    pub(crate) fn write(&self, cell: usize, bytes: &[u8]) -> io::Result<()> {
        assert!(bytes.len() <= self.shape.limit);
        let record = &self.cells()[cell];
        if bytes.len() <= INLINE {
            for (word, bytes) in record.short.iter().zip(bytes.chunks(8)) {
                let mut filled = [0; 8];
                filled[..bytes.len()].copy_from_slice(bytes);
                word.store(u64::from_le_bytes(filled), Relaxed);
            }
        } else {
            let to = self.provide(cell, record, bytes.len())?;
            // SAFETY: [map-live] [window-own] so many bytes of the window have pages, and while its cell is being
            // filled they are this producer's; only raw copies touch them.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.as_ptr(), bytes.len()) };
        }
        record.len.store(bytes.len() as u64, Relaxed);
        Ok(())
    }

    /// A cell's window, with `need` bytes usable.
    fn provide(&self, cell: usize, record: &Record, need: usize) -> io::Result<NonNull<u8>> {
        let (offset, stride) = self.window(cell);
        let backed = (record.backed.load(Relaxed) as usize).min(stride);
        if need > backed {
            let target = need.next_multiple_of(PAGE);
            let (from, len) = (offset + backed, target - backed);
            match self.pages.provide(from, len) {
                // This process has no descriptor to ask by.
                Err(why) if why.kind() == io::ErrorKind::Unsupported => {
                    self.map.advise_range(Advice::PopulateWrite, from, len)?;
                }
                provided => provided.inspect_err(|_| {
                    // What came before memory ran out, now that others need it.
                    let _ = self.pages.release(from, len);
                })?,
            }
            record.backed.store(target as u64, Relaxed);
        }
        Ok(self.at(offset))
    }

    /// Where a cell's window is, and how large.
    fn window(&self, cell: usize) -> (usize, usize) {
        assert!(cell < self.shape.capacity);
        let stride = self.shape.stride().unwrap_or(0);
        (self.windows_at() + cell * stride, stride)
    }

    /// Consumer: a copy of the item in a cell that is being taken, a long one in memory that `prepare` sees before
    /// it is first touched.
    #[inline]
    pub(crate) fn read(
        &self,
        cell: usize,
        prepare: impl FnOnce(&mut [MaybeUninit<u8>]),
    ) -> Result<Vec<u8>, Unread> {
        let record = &self.cells()[cell];
        let len = usize::try_from(record.len.load(Relaxed)).ok().filter(|len| *len <= self.shape.limit);
        let len = len.ok_or(Unread::Forged)?;
        if len <= INLINE {
            let words = record.short[..len.div_ceil(8)].iter();
            let mut bytes: Vec<u8> = words.flat_map(|word| word.load(Relaxed).to_le_bytes()).collect();
            bytes.truncate(len);
            return Ok(bytes);
        }
        let (offset, _) = self.window(cell);
        // A forged length must not make the reader provide the memory.
        if len > BELIEVED && !self.pages.is_written(offset, len) {
            return Err(Unread::Forged);
        }
        // SAFETY: [map-live] the window is as large as the limit at least; a hostile process may go on writing
        // it, which `Payload` is made for.
        let payload = unsafe { Payload::new(self.at(offset), len) };
        payload.to_plain(prepare).ok_or(Unread::NoMemory)
    }

    /// Consumer: gives back the pages that a large item left, but for the first [`FLOOR`] bytes.
    #[inline]
    pub(crate) fn cool(&self, cell: usize) {
        let record = &self.cells()[cell];
        if record.backed.load(Relaxed) as usize > FLOOR {
            let (offset, stride) = self.window(cell);
            if stride > FLOOR && self.pages.release(offset + FLOOR, stride - FLOOR).is_ok() {
                record.backed.store(FLOOR as u64, Relaxed);
            }
        }
    }

    /// Everything before the windows, word by word.
    #[cfg(test)]
    pub(crate) fn control_words(&self) -> &[AtomicU64] {
        // SAFETY: [map-live] [control-atomic] the control part is whole pages from the start.
        unsafe { std::slice::from_raw_parts(self.at(0).cast().as_ptr(), self.windows_at() / 8) }
    }
}
