//! Where things lie in a region, and whose pages they have.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use memmap2::MmapMut;

use crate::shm::layout::{Geometry, INLINE, PAGE};
use crate::shm::region::{FLOOR, Pages, Region};
use crate::shm::window::{ALIGNMENT, Payload, Store, WindowWriter, WriteError};
use crate::shm::word::{Phase, Word};

struct Anonymous;

impl Pages for Anonymous {
    fn provide(&self, _: usize, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _: usize, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn release(&self, _: usize, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn is_written(&self, _: usize, _: usize) -> bool {
        true
    }
}

pub(super) fn region(geometry: Geometry) -> Region {
    over(MmapMut::map_anon(geometry.total().unwrap()).unwrap(), geometry)
}

pub(super) fn over(map: MmapMut, geometry: Geometry) -> Region {
    Region::over(map.into(), geometry, Box::new(Anonymous)).unwrap()
}

#[test]
fn the_parts_of_a_region_do_not_overlap() {
    for (slots, workers, window) in [(1, 1, 1), (4, 2, 5000), (65, 65, 4096), (1000, 3, 100)] {
        let geometry = Geometry { slots, workers, window };
        let mut ends =
            vec![geometry.ready_set(), geometry.free_set(), geometry.idle_set(), geometry.worker(0)];
        ends.extend([geometry.tally(0), geometry.state(0)]);
        ends.push(geometry.slot(0));
        ends.push(geometry.control());
        assert!(ends.is_sorted(), "{geometry:?} {ends:?}");
        assert!(geometry.slot(slots) <= geometry.control());
        assert!(geometry.result_window(0) - geometry.arguments_window(0) >= window);
        assert!(geometry.total().unwrap() - geometry.result_window(slots - 1) >= window);
        let inline = [geometry.arguments_inline(0), geometry.result_inline(0), geometry.slot(1)];
        assert!(inline.is_sorted_by(|one, next| one + INLINE <= *next), "{inline:?}");
        assert!(inline.iter().all(|start| start.is_multiple_of(ALIGNMENT)), "{inline:?}");
        let region = region(geometry);
        region.ready().insert(slots - 1);
        region.free().insert(slots - 1);
        region.idle().insert(workers - 1);
        region.worker(workers - 1).words.set("last");
        region.tally(workers - 1).ran(1, 5);
        assert_eq!(region.slot(0).state.state().phase(), Some(Phase::Free), "nothing lies over it");
        assert!(region.slot(slots - 1).state.reserve().is_some());
        assert_eq!(region.ready().take(0), Some(slots - 1));
        assert_eq!(region.free().take(0), Some(slots - 1));
        assert_eq!(region.idle().take(0), Some(workers - 1));
        assert_eq!(region.worker(workers - 1).words.get().as_deref(), Some("last"));
    }
}

/// Has no page beyond so many bytes; what it was asked to take back.
struct Scarce(usize, Arc<Mutex<Vec<(usize, usize)>>>);

impl Pages for Scarce {
    fn provide(&self, offset: usize, len: usize) -> io::Result<()> {
        if offset + len <= self.0 { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ENOSPC)) }
    }

    fn write(&self, _: usize, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn release(&self, offset: usize, len: usize) -> io::Result<()> {
        self.1.lock().unwrap().push((offset, len));
        Ok(())
    }

    fn is_written(&self, offset: usize, len: usize) -> bool {
        offset + len <= self.0
    }
}

#[test]
fn large_windows_are_given_back() {
    const MIB: usize = 1 << 20;
    let geometry = Geometry { slots: 1, workers: 1, window: 8 * MIB };
    let map = MmapMut::map_anon(geometry.total().unwrap()).unwrap();
    let released = Arc::new(Mutex::new(Vec::new()));
    let (arguments, result) = (geometry.arguments_window(0), geometry.result_window(0));
    let pages = Scarce(arguments + 6 * MIB, released.clone());
    let region = Region::over(map.into(), geometry, Box::new(pages)).unwrap();
    let backed = AtomicU64::new(0);
    let mut store = region.arguments_store(0, &backed);
    assert!(store.provide(5 * MIB).is_ok());
    assert!(store.provide(7 * MIB).is_err(), "half of it may have come: that goes back at once");
    let had = backed.load(Relaxed) as usize;
    let taken = || std::mem::take(&mut *released.lock().unwrap());
    assert_eq!(taken(), [(arguments + had, 7 * MIB - had)]);
    // A forged number reaches no further than the window.
    region.slot(0).result_pages.store(u64::MAX, Relaxed);
    region.trim(0, &backed, [4 * MIB + 1, 2 * MIB]);
    let kept = 4 * MIB + PAGE;
    assert_eq!(taken(), [(arguments + kept, 8 * MIB - kept), (result + 2 * MIB, 6 * MIB)]);
    region.trim(0, &backed, [4 * MIB + 1, 2 * MIB]);
    assert_eq!(taken(), [], "once");
    region.cool(0, &backed);
    assert_eq!(taken(), [(arguments + FLOOR, 8 * MIB - FLOOR), (result + FLOOR, 8 * MIB - FLOOR)]);
    region.cool(0, &backed);
    assert_eq!(taken(), [], "once");
}

/// Has all pages, and writes up to so many bytes itself; what it wrote.
struct Writing(usize, Arc<Mutex<Vec<Written>>>);

/// Where, and what.
type Written = (usize, Vec<u8>);

impl Pages for Writing {
    fn provide(&self, _: usize, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.1.lock().unwrap().push((offset, bytes.to_vec()));
        Ok(())
    }

    fn release(&self, _: usize, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn is_written(&self, _: usize, _: usize) -> bool {
        true
    }
}

#[test]
fn the_kernel_writes_what_needs_many_new_pages_and_only_that() {
    const LEN: usize = 200_000;
    let geometry = Geometry { slots: 1, workers: 1, window: 1 << 20 };
    let map = MmapMut::map_anon(geometry.total().unwrap()).unwrap();
    let written = Arc::new(Mutex::new(Vec::new()));
    let pages = Writing(LEN, written.clone());
    let region = Region::over(map.into(), geometry, Box::new(pages)).unwrap();
    let window = geometry.arguments_window(0);
    let backed = AtomicU64::new(0);
    let put = |parts: &[&[u8]]| {
        let mut store = region.arguments_store(0, &backed);
        let mut out = WindowWriter::new(&mut store, 1 << 20);
        parts.iter().for_each(|part| out.put(part).unwrap());
        let here = region.arguments(0, out.needed()).to_vec();
        let by_kernel: Vec<(usize, Vec<u8>)> = std::mem::take(&mut *written.lock().unwrap());
        (here, by_kernel, backed.load(Relaxed) as usize)
    };
    let (long, end) = (vec![7; LEN], [8; 16]);
    // What began in the header goes to the first page; behind that the kernel writes.
    let (here, by_kernel, now) = put(&[&[1; 16], &long, &end]);
    assert_eq!(here[..16], [1; 16]);
    assert_eq!(here[16..PAGE], long[16..PAGE]);
    assert_eq!(by_kernel, [(window + PAGE, long[PAGE - 16..].to_vec())]);
    assert_eq!(here[LEN + 16..], end);
    assert_eq!(now, (LEN + 16).next_multiple_of(PAGE));
    // Pages that are there already are written by hand, and so is what the kernel does not take.
    assert_eq!(put(&[&long]), (long.clone(), vec![], now));
    let longer = vec![9; 3 * LEN];
    let (here, by_kernel, now) = put(&[&longer]);
    assert!(here == longer && by_kernel.is_empty() && now >= 3 * LEN);
}

#[test]
fn a_part_of_the_arguments_reaches_no_further_than_their_pages() {
    let region = region(Geometry { slots: 2, workers: 1, window: 3 * PAGE });
    let (page, three) = (PAGE as u64, 3 * PAGE as u64);
    let part = |start, len, backed| region.part(1, start, len, backed).map(|payload| payload.len());
    assert_eq!(part(100, page, 2 * page), Some(PAGE));
    assert_eq!(part(0, three, u64::MAX), Some(3 * PAGE));
    for (start, len, backed) in [(page, page + 1, 2 * page), (1, three, u64::MAX), (u64::MAX, 2, three)] {
        assert_eq!(part(start, len, backed), None);
    }
}

#[test]
fn a_row_of_values_has_their_size_and_alignment() {
    let bytes = [0_u64; 4];
    let bytes: &[u8] = bytemuck::cast_slice(&bytes);
    assert!(Payload::of(bytes).is_row_of::<u64>());
    assert!(Payload::of(&bytes[1..]).is_row_of::<u8>());
    assert!(!Payload::of(&bytes[4..28]).is_row_of::<u64>(), "alignment");
    assert!(!Payload::of(&bytes[..9]).is_row_of::<u64>(), "size");
    assert!(!Payload::of(bytes).is_row_of::<()>());
}

#[test]
fn a_payload_lies_in_the_header_as_long_as_it_is_short() {
    let region = region(Geometry { slots: 2, workers: 1, window: 4096 });
    let write = |parts: &[&[u8]]| {
        let mut store = region.result_store(1);
        let mut out = WindowWriter::new(&mut store, 4096);
        parts.iter().for_each(|part| out.put(part).unwrap());
        region.result(1, out.needed() as u64).unwrap().to_plain::<u8>(|_| {}).unwrap()
    };
    let pages = || region.slot(1).result_pages.load(Relaxed);
    assert_eq!(write(&[&[1; INLINE]]), [1; INLINE]);
    assert_eq!(pages(), 0, "no page was asked for");
    let long: Vec<u8> = [[2; 50], [3; 50]].concat();
    assert_eq!(write(&[&long[..50], &long[50..]]), long, "what was written before goes along");
    assert_ne!(pages(), 0);
    assert_eq!(write(&[&[4; INLINE + 1]]), [4; INLINE + 1]);
}

#[test]
fn a_short_report_in_place_of_a_long_result_lies_in_the_header() {
    let region = region(Geometry { slots: 1, workers: 1, window: 4096 });
    let mut store = region.result_store(0);
    let mut out = WindowWriter::new(&mut store, 4096);
    out.put(&[1; 1000]).unwrap();
    out.restart();
    out.put(b"a report").unwrap();
    let read = region.result(0, out.needed() as u64).unwrap();
    assert_eq!(read.to_plain::<u8>(|_| {}).unwrap(), b"a report");
}

#[test]
fn a_geometry_too_large_to_count_is_none() {
    assert_eq!(Geometry { slots: 32_768, workers: 1, window: usize::MAX / 2 }.total(), None);
    assert_eq!(Geometry { slots: 1, workers: 1, window: usize::MAX }.total(), None);
}

#[test]
fn a_mapping_smaller_than_its_geometry_is_refused() {
    let geometry = Geometry { slots: 4, workers: 2, window: 4096 };
    let map = MmapMut::map_anon(geometry.total().unwrap() - 4096).unwrap();
    assert!(Region::over(map.into(), geometry, Box::new(Anonymous)).is_err());
}

#[test]
fn a_forged_length_reaches_no_further_than_the_window() {
    let region = region(Geometry { slots: 2, workers: 1, window: 4096 });
    assert!(region.result(0, 4096).is_some());
    assert!(region.result(0, 4097).is_none());
    assert!(region.result(1, u64::MAX).is_none());
}

#[test]
fn a_full_window_says_what_was_needed() {
    let mut memory = Vec::new();
    let mut out = WindowWriter::new(&mut memory, 100);
    assert!(out.put(&[1; 90]).is_ok());
    assert!(matches!(out.put(&[2; 20]), Err(WriteError::Full)));
    assert!(matches!(out.put(&[3; 5]), Err(WriteError::Full)));
    assert_eq!((out.needed(), out.limit()), (115, 100));
    out.restart();
    assert!(out.put(&[4; 100]).is_ok());
    assert_eq!(memory[..100], [4; 100]);
}

#[test]
fn a_kernel_that_has_no_page_is_an_error() {
    struct Nothing;
    impl Store for Nothing {
        fn provide(&mut self, _: usize) -> io::Result<(std::ptr::NonNull<u8>, usize)> {
            Err(io::Error::from_raw_os_error(libc::ENOSPC))
        }
    }
    let mut store = Nothing;
    let mut out = WindowWriter::new(&mut store, 100);
    assert!(matches!(out.put(b"x"), Err(WriteError::Os(_))));
}

#[test]
fn a_payload_is_copied_as_what_it_is() {
    let bytes = 7u64.to_le_bytes();
    assert_eq!(Payload::of(&bytes).to_plain::<u64>(|_| {}), Some(vec![7]));
    assert_eq!(Payload::of(&bytes[..7]).to_plain::<u64>(|_| {}), None);
    assert_eq!(Payload::of(&bytes[..0]).to_plain::<u64>(|_| {}), Some(Vec::new()));
    assert_eq!(Payload::of(&bytes).to_plain::<()>(|_| {}), None);
    assert_eq!(Payload::of(&bytes).to_plain::<u8>(|_| {}).as_deref(), Some(&bytes[..]));
}
