//! Every way to write to memory that was shared to be read.

use std::fs::{self, File, OpenOptions};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mprotect, munmap};
use nix::sys::uio::pwrite;

use super::write_to_number;

/// What shared data is called in `/proc`.
const NAME: &str = "memfd:multicore-shared";

/// Where this process has shared data mapped.
///
/// # Panics
/// Without `/proc`.
pub fn mappings(pid: i32) -> Vec<Range<usize>> {
    mappings_of(pid, NAME)
}

pub(super) fn mappings_of(pid: i32, name: &str) -> Vec<Range<usize>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let lines = maps.lines().filter(|line| line.contains(name));
    let number = |text: &str| usize::from_str_radix(text, 16).expect("an address");
    let range = |line: &str| {
        let (start, rest) = line.split_once('-').expect("a range");
        number(start)..number(rest.split(' ').next().unwrap_or_default())
    };
    lines.map(range).collect()
}

/// The descriptors of shared data that a process has, as paths.
pub fn descriptors(pid: i32) -> Vec<String> {
    descriptors_of(pid, NAME)
}

pub(super) fn descriptors_of(pid: i32, name: &str) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let shared = entries.filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|target| target.to_string_lossy().contains(name))
    });
    shared.map(|entry| entry.path().to_string_lossy().into_owned()).collect()
}

/// Tries all that a worker can think of to change what the client has shared; what was possible, and how
/// many files it could try.
///
/// # Panics
/// When nothing is mapped here.
#[multicore::task]
pub fn write_to_shared(client: i32, _data: &[u64]) -> (Vec<String>, usize) {
    let own = std::process::id();
    let [mapping, ..] = &mappings(own as i32)[..] else { panic!("nothing is mapped") };
    let mut paths = descriptors(client);
    paths.push(format!("/proc/self/map_files/{:x}-{:x}", mapping.start, mapping.end));
    let files: Vec<(String, File)> = paths
        .into_iter()
        .filter_map(|path| Some((path.clone(), OpenOptions::new().read(true).write(true).open(path).ok()?)))
        .collect();
    let mut possible = Vec::new();
    for (path, file) in &files {
        let mut note = |what: &str, refused: bool| {
            if !refused {
                possible.push(format!("{what} {path}"));
            }
        };
        note("write to", pwrite(file, &[1; 8], 0) == Err(Errno::EPERM));
        note("cut", file.set_len(0).is_err());
        note("lengthen", file.set_len(1 << 40).is_err());
        let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        note("punch", fallocate(file, hole, 0, 4096) == Err(Errno::EPERM));
        note("map", !maps_for_writing(file));
    }
    write_over(mapping.clone());
    (possible, files.len())
}

/// Asks the supervisor for anything, again and again, and listens to no answer; then talks nonsense.
///
/// # Panics
/// When this worker has no socket to ask on.
#[multicore::task]
pub fn ask_for_anything(_data: &[u64]) {
    let entries = fs::read_dir("/proc/self/fd").expect("/proc").flatten();
    let sockets: Vec<i32> = entries
        .filter(|entry| {
            fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
        })
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    assert!(!sockets.is_empty(), "a worker asks on a socket");
    for id in (0..5000).map(|n| n as u8 % 4) {
        for &socket in &sockets {
            // The first question of two, with a number below 251 in a byte.
            write_to_number(socket, &[0, id]);
        }
    }
    for &socket in &sockets {
        write_to_number(socket, &[0xff; 100]);
    }
}

fn maps_for_writing(file: &File) -> bool {
    let page = NonZeroUsize::new(4096).expect("a page");
    // SAFETY: a new mapping at a place of the kernel's choice touches nothing that exists.
    let map = unsafe {
        mmap(None, page, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED, file, 0)
    };
    let Ok(map) = map else { return false };
    // SAFETY: mapped just now, and nobody else has seen it.
    unsafe { munmap(map, 4096) }.expect("munmap");
    true
}

/// Makes this process's own mapping writable, and writes all over it.
fn write_over(mapping: Range<usize>) {
    let start = ptr::with_exposed_provenance_mut::<u8>(mapping.start);
    let address = ptr::NonNull::new(start).expect("a mapping").cast();
    // SAFETY: this very fault is what the test is about: the mapping exists, for as long as this call.
    let made = unsafe { mprotect(address, mapping.len(), ProtFlags::PROT_READ | ProtFlags::PROT_WRITE) };
    made.expect("a private mapping is this process's own");
    // SAFETY: as above; nobody in this process reads it afterwards but by calls whose answers may be any.
    unsafe { ptr::write_bytes(start, 0xff, mapping.len()) };
}
