//! A pool's region as a worker of bad will has it: every byte, with no rule.
//!
//! The layout is the crate's own source, included here, so that a forged field is always the field that it
//! is called.

use std::fs;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use nix::fcntl::{FallocateFlags, fallocate};

use self::layout::{Geometry, Head, SlotHeader, WorkerRecord};

#[allow(dead_code, reason = "the tests need a part of it")]
#[path = "../../../multicore/src/shm/latch.rs"]
mod latch;
#[allow(dead_code, reason = "the tests need a part of it")]
#[path = "../../../multicore/src/shm/layout.rs"]
pub(crate) mod layout;
#[allow(dead_code, reason = "the tests need a part of it")]
#[path = "../../../multicore/src/shm/note.rs"]
mod note;
#[allow(dead_code, reason = "the tests need a part of it")]
#[path = "../../../multicore/src/shm/tally.rs"]
mod tally;

/// The region that this process maps.
#[derive(Clone, Copy)]
pub struct Region {
    start: usize,
    geometry: Geometry,
}

impl Region {
    /// The region of the pool that this worker belongs to.
    ///
    /// # Panics
    /// When this process maps none, or not exactly one of these numbers.
    pub fn find(slots: usize, workers: usize, window: usize) -> Region {
        let geometry = Geometry { slots, workers, window };
        let maps = fs::read_to_string("/proc/self/maps").expect("the mappings");
        let mut found = maps.lines().filter(|line| line.contains("memfd:multicore"));
        let (Some(line), None) = (found.next(), found.next()) else { panic!("no region, or two: {maps}") };
        let (start, rest) = line.split_once('-').expect("a range");
        let end = rest.split(' ').next().unwrap_or_default();
        let number = |text| usize::from_str_radix(text, 16).expect("an address");
        let total = geometry.total().expect("a size");
        assert_eq!(number(end) - number(start), total.next_multiple_of(4096), "{line}");
        Region { start: number(start), geometry }
    }

    /// The numbers that fix its layout.
    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry
    }

    pub(crate) fn head(&self) -> &Head {
        // SAFETY: the region is mapped as long as this process lives, and begins with its head, all atomics.
        unsafe { self.at(0) }
    }

    pub(crate) fn slot(&self, index: usize) -> &SlotHeader {
        assert!(index < self.geometry.slots);
        // SAFETY: as above; the header of a slot that there is, all atomics.
        unsafe { self.at(self.geometry.slot(index)) }
    }

    pub(crate) fn state(&self, slot: usize) -> &AtomicU64 {
        assert!(slot < self.geometry.slots);
        // SAFETY: as above; the state word of a slot that there is.
        unsafe { self.at(self.geometry.state(slot)) }
    }

    pub(crate) fn worker(&self, index: usize) -> &WorkerRecord {
        assert!(index < self.geometry.workers);
        // SAFETY: as above; the record of a worker that there is, all atomics.
        unsafe { self.at(self.geometry.worker(index)) }
    }

    /// The words of this part of the region.
    ///
    /// # Panics
    /// When the part is not inside of it.
    pub(crate) fn words(&self, part: Range<usize>) -> &[AtomicU64] {
        assert!(part.end <= self.geometry.total().expect("a size") && part.start.is_multiple_of(8));
        let first = (self.start + part.start) as *const AtomicU64;
        // SAFETY: in range, as just asserted, aligned, and mapped as long as this process lives.
        unsafe { std::slice::from_raw_parts(first, part.len() / 8) }
    }

    /// As [`words`](Region::words), byte by byte.
    pub(crate) fn bytes(&self, part: Range<usize>) -> &[AtomicU8] {
        assert!(part.end <= self.geometry.total().expect("a size"));
        // SAFETY: in range, as just asserted, and mapped as long as this process lives.
        unsafe { std::slice::from_raw_parts((self.start + part.start) as *const AtomicU8, part.len()) }
    }

    /// # Safety
    /// A `T` of atomics alone stands at this offset.
    unsafe fn at<T>(&self, offset: usize) -> &T {
        let place = (self.start + offset) as *const T;
        // SAFETY: the caller's promise; the mapping stays.
        unsafe { &*place }
    }

    /// Takes the memory of this part away: it reads as zeroes from then on.
    ///
    /// # Panics
    /// When the kernel refuses.
    pub(crate) fn punch(&self, part: Range<usize>) {
        let descriptors = fs::read_dir("/proc/self/fd").expect("the descriptors").flatten();
        let is_region = |path: &std::path::Path| {
            fs::read_link(path).is_ok_and(|target| target.to_string_lossy().contains("memfd:multicore"))
        };
        let path = descriptors.map(|entry| entry.path()).find(|path| is_region(path)).expect("the file");
        let file = fs::File::options().read(true).write(true).open(path).expect("the region's file");
        let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(&file, hole, part.start as i64, part.len() as i64).expect("a hole");
    }
}

impl Region {
    /// Writes anything where the result of the first slot is looked for that has so many bytes.
    pub(crate) fn scribble(&self, random: &mut crate::payload::Random, len: u64) {
        let fits = usize::try_from(len).ok().filter(|len| *len <= self.geometry.window);
        let Some(len) = fits else { return };
        let start = self.geometry.result(0, len);
        for at in (start..start + len.min(4096)).step_by(8).filter(|at| at + 8 <= start + len) {
            // Small numbers make counts that are nearly right.
            let word = if random.below(2) == 0 { random.below(300) } else { random.number() };
            // SAFETY: within a window that is mapped, at a multiple of 8, and written by this process alone.
            let place: &AtomicU64 = unsafe { self.at(at) };
            place.store(word, std::sync::atomic::Ordering::SeqCst);
        }
    }
}

/// Wakes whoever sleeps on this word.
pub(crate) fn wake(word: &AtomicU32) {
    // SAFETY: a live word, whose address alone the kernel uses.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}

/// As [`wake`], for the half of a state word that the futex sees, which stands first.
pub(crate) fn wake_state(word: &AtomicU64) {
    // SAFETY: as above.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}
