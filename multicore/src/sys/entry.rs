//! The hook that runs before `main`.
//!
//! A pool that starts by *exec* starts this executable again and turns it aside before `main`. The
//! loader calls [`before_main`] because it stands in `.init_array`. Without the marker in the
//! environment it looks at a few words of memory and returns; no kernel call, no allocation.
//!
//! A child is turned aside only when all of this holds, and then for good:
//! - the hook stands in the main executable, not in a library that somebody's interpreter loaded;
//! - the environment has [`MARKER`] with a value of this version of the crate, see [`marker_value`];
//! - standard input is a `SOCK_SEQPACKET` socket, and its first message begins with that value.
//!
//! If the client dies between exec and message, the child ends with code 70: it was never meant to
//! run `main`.

use std::ffi::{CStr, c_char, c_int, c_long};
use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{process, socket};

/// The environment variable that marks a child which is to be turned aside.
pub(crate) const MARKER: &CStr = c"MULTICORE_CHILD";
/// The value begins with this: two versions of this crate in one program leave each other's children.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), ":");
/// The shortest secret and the longest value that are looked at.
const MIN_SECRET: usize = 16;
const MAX_VALUE: usize = 128;
/// EX_SOFTWARE: what was turned aside came back, or was never told what to do.
const TURNED_BACK: i32 = 70;
/// How long a child waits to be told what it is; the client makes the region meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

type Initializer = extern "C" fn(c_int, *const *const c_char, *const *const c_char);

#[used]
#[unsafe(link_section = ".init_array")]
static ENTRY: Initializer = before_main;

static RAN_IN_MAIN_EXECUTABLE: AtomicBool = AtomicBool::new(false);

/// Whether this executable, started again with [`MARKER`], will be turned aside.
///
/// False in a library that another program loaded, in a set-user-ID program, in a static executable
/// without a dynamic section, under an explicitly called loader (`ld.so ./program`), and without `/proc`.
pub(crate) fn can_exec_self() -> bool {
    RAN_IN_MAIN_EXECUTABLE.load(Ordering::Acquire) && runs_from_own_file().unwrap_or(false)
}

/// The marker's value for a secret of ASCII letters and digits.
///
/// The first message on the child's standard input begins with the same bytes.
pub(crate) fn marker_value(secret: &str) -> String {
    debug_assert!(secret.len() >= MIN_SECRET && VERSION.len() + secret.len() <= MAX_VALUE);
    debug_assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    format!("{VERSION}{secret}")
}

extern "C" fn before_main(count: c_int, arguments: *const *const c_char, environment: *const *const c_char) {
    let Some(later) = entries_after_ours() else { return };
    RAN_IN_MAIN_EXECUTABLE.store(true, Ordering::Release);
    // SAFETY: the loader passes the environment, which ends in a null pointer.
    let Some(value) = (unsafe { marker_in(environment) }) else { return };
    let mut copy = [0; MAX_VALUE];
    let copy = &mut copy[..value.len()];
    copy.copy_from_slice(value);
    if !is_authentic(copy) {
        return;
    }
    // First of all: nothing that is started from here may believe that it is meant.
    // SAFETY: the process has one thread, and `MARKER` ends in a NUL.
    unsafe { libc::unsetenv(MARKER.as_ptr()) };
    process::fill_standard_descriptors();
    // A library's global may be constructed by an entry after ours (with fat LTO it is), and the loader
    // will not come to it: this function does not return any more.
    for &entry in later {
        if entry != 0 && entry != usize::MAX {
            // SAFETY: the loader would call the same address with the same arguments next.
            let entry = unsafe { std::mem::transmute::<usize, Initializer>(entry) };
            entry(count, arguments, environment);
        }
    }
    let value = String::from_utf8_lossy(copy).into_owned();
    crate::processes::client::launch::turned_aside(&value);
    process::exit_now(TURNED_BACK)
}

/// The marker's value, if the environment has one of this version.
///
/// # Safety
/// `environment` is null, or an array of C strings that ends in a null pointer and that nobody
/// changes while the result lives.
unsafe fn marker_in<'e>(environment: *const *const c_char) -> Option<&'e [u8]> {
    let mut next = environment;
    while !next.is_null() {
        // SAFETY: not past the end, as the null pointer there ends the loop.
        let variable = unsafe { *next };
        if variable.is_null() {
            return None;
        }
        // SAFETY: a C string, by the caller's promise.
        let variable = unsafe { CStr::from_ptr(variable) }.to_bytes();
        if let Some(value) = variable.strip_prefix(MARKER.to_bytes()).and_then(|rest| rest.strip_prefix(b"="))
        {
            let lengths = VERSION.len() + MIN_SECRET..=MAX_VALUE;
            let ours = value.starts_with(VERSION.as_bytes()) && lengths.contains(&value.len());
            return ours.then_some(value);
        }
        // SAFETY: `next` was not the null pointer at the end.
        next = unsafe { next.add(1) };
    }
    None
}

/// Whether whoever set the marker also holds the other end of standard input.
///
/// Ends the process when the marker and the socket are there and nobody speaks.
fn is_authentic(value: &[u8]) -> bool {
    if !socket::is_seqpacket(0) {
        return false;
    }
    // SAFETY: descriptor 0 is open, as `is_seqpacket` just found, and nobody closes it here.
    let stdin = unsafe { BorrowedFd::borrow_raw(0) };
    let mut start = [0; MAX_VALUE];
    match socket::peek(stdin, &mut start[..value.len()], Some(PATIENCE)) {
        Ok(0) | Err(_) => process::exit_now(TURNED_BACK),
        Ok(len) => &start[..len] == value,
    }
}

/// The entries of the main executable's `.init_array` that stand after ours; `None` when ours is not
/// in it.
fn entries_after_ours() -> Option<&'static [usize]> {
    // SAFETY: no memory is passed.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) };
    if secure != 0 {
        return None; // a set-user-ID program does not listen to its environment
    }
    let entries = main_init_array()?;
    let ours = (&raw const ENTRY as usize).checked_sub(entries.as_ptr() as usize)? / size_of::<usize>();
    entries.get(ours + 1..)
}

/// The main executable's `.init_array`, from its program headers.
fn main_init_array() -> Option<&'static [usize]> {
    // SAFETY: no memory is passed.
    let headers = unsafe { libc::getauxval(libc::AT_PHDR) } as *const libc::Elf64_Phdr;
    // SAFETY: no memory is passed.
    let count = unsafe { libc::getauxval(libc::AT_PHNUM) } as usize;
    if headers.is_null() {
        return None;
    }
    // SAFETY: the kernel says that so many headers of the main executable are mapped there, for ever.
    let headers: &'static [libc::Elf64_Phdr] = unsafe { slice::from_raw_parts(headers, count) };
    let find = |kind| headers.iter().find(|header| header.p_type == kind);
    let bias = match find(libc::PT_PHDR) {
        Some(header) => (headers.as_ptr() as usize).wrapping_sub(header.p_vaddr as usize),
        None => bias_of_main()?,
    };
    let dynamic = find(libc::PT_DYNAMIC)?;
    let first = bias.wrapping_add(dynamic.p_vaddr as usize) as *const Dynamic;
    // SAFETY: the loader itself walks this table, which stays mapped; its length is in the header.
    let table = unsafe { slice::from_raw_parts(first, dynamic.p_memsz as usize / size_of::<Dynamic>()) };
    let table = table.iter().take_while(|entry| entry.tag != DT_NULL);
    let value = |tag| table.clone().find(|entry| entry.tag == tag).map(|entry| entry.value);
    let (start, bytes) = (value(DT_INIT_ARRAY)?, value(DT_INIT_ARRAYSZ)?);
    let loaded = headers.iter().any(|header| {
        header.p_type == libc::PT_LOAD
            && header.p_vaddr <= start
            && start.saturating_add(bytes) <= header.p_vaddr.saturating_add(header.p_memsz)
    });
    let start = bias.wrapping_add(start as usize) as *const usize;
    // SAFETY: the range lies in a loaded segment, is an array of addresses by the format's definition,
    // and was relocated before the loader called any of its entries.
    (loaded && start.is_aligned())
        .then(|| unsafe { slice::from_raw_parts(start, bytes as usize / size_of::<usize>()) })
}

/// One entry of an executable's dynamic section.
#[repr(C)]
struct Dynamic {
    tag: i64,
    value: u64,
}

const DT_NULL: i64 = 0;
const DT_INIT_ARRAY: i64 = 25;
const DT_INIT_ARRAYSZ: i64 = 27;

/// By how much the main executable was moved when it was loaded, for one without a PT_PHDR.
fn bias_of_main() -> Option<usize> {
    unsafe extern "C" fn first(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        bias: *mut libc::c_void,
    ) -> c_int {
        // SAFETY: the C library passes a valid record.
        let found = unsafe { (*info).dlpi_addr } as usize;
        // SAFETY: `bias` is the local below, and the walk ends before that goes away.
        unsafe { *bias.cast::<Option<usize>>() = Some(found) };
        1 // the main executable comes first: stop
    }
    let mut bias: Option<usize> = None;
    // SAFETY: `first` has the right signature and writes an `Option<usize>` through the pointer.
    unsafe { libc::dl_iterate_phdr(Some(first), ptr::from_mut(&mut bias).cast()) };
    bias
}

/// Whether `/proc/self/exe` is the file that our code was mapped from; under `ld.so ./program` it is
/// the loader.
fn runs_from_own_file() -> Option<bool> {
    let executable = fs::read_link("/proc/self/exe").ok()?;
    let maps = fs::read("/proc/self/maps").ok()?;
    let address = &raw const ENTRY as u64;
    for line in maps.split(|&byte| byte == b'\n') {
        let mut fields = line.splitn(2, |&byte| byte == b' ');
        let range = std::str::from_utf8(fields.next()?).ok()?;
        let Some((start, end)) = range.split_once('-') else { continue };
        let number = |text| u64::from_str_radix(text, 16).ok();
        if (number(start)?..number(end)?).contains(&address) {
            // "perms offset device inode   path"
            let path = line.iter().position(|&byte| byte == b'/').map(|at| &line[at..]);
            return Some(path == Some(executable.as_os_str().as_bytes()));
        }
    }
    None
}

const _: () = assert!(size_of::<usize>() == size_of::<Initializer>() && size_of::<c_long>() == 8);
