//! What the kernel lets this process use.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{SysconfVar, sysconf};

use crate::sys::checked;
use crate::{Error, Result};

/// Limits private writable memory, mapped or on the heap: beyond it `mmap` and `brk` fail.
///
/// Shared memory, so the region, does not count; memory that is reserved and never touched does.
///
/// # Errors
/// `Os` from `setrlimit`: EPERM above the hard limit.
pub(crate) fn limit_data(bytes: u64) -> Result<()> {
    limit(Resource::RLIMIT_DATA, bytes, bytes)
}

/// Limits time on a core, in whole seconds, rounded up: SIGXCPU then, and SIGKILL a second later.
///
/// # Errors
/// As for [`limit_data`].
pub(crate) fn limit_cpu(time: Duration) -> Result<()> {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() != 0)).max(1);
    limit(Resource::RLIMIT_CPU, seconds, seconds.saturating_add(1))
}

/// Limits open descriptors.
///
/// # Errors
/// As for [`limit_data`].
pub(crate) fn limit_files(count: u64) -> Result<()> {
    limit(Resource::RLIMIT_NOFILE, count, count)
}

/// The soft limit on this process's open descriptors.
pub(crate) fn open_files() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _hard)| soft)
}

/// The hard limit on this process's open descriptors.
pub(crate) fn most_files() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(_soft, hard)| hard)
}

fn limit(resource: Resource, soft: u64, hard: u64) -> Result<()> {
    setrlimit(resource, soft, hard).map_err(|error| Error::os("setrlimit", error))
}

/// Sets how readily this process gives way to others, from -20 (never) to 19.
///
/// # Errors
/// `Os` from `setpriority`: EACCES when a lower value than now needs a privilege.
pub(crate) fn set_niceness(niceness: i32) -> Result<()> {
    // SAFETY: passes no memory.
    checked("setpriority", unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, niceness) }).map(drop)
}

/// Sets a variable of this process's environment.
///
/// Only in a process that has one thread, such as one that was forked just now.
pub(crate) fn set_variable(name: &OsStr, value: &OsStr) {
    // SAFETY: [one-thread] nobody can read the environment meanwhile, as the caller promises.
    unsafe { std::env::set_var(name, value) };
}

/// Bytes of private writable memory that this process has mapped, touched or not: what [`limit_data`]
/// limits; 0 where that cannot be read.
pub(crate) fn mapped_data() -> u64 {
    memory_file().map_or(0, |file| memory(&file)[5])
}

/// Where [`private_memory`] reads.
///
/// # Errors
/// `Os` when `/proc` is not mounted.
pub(crate) fn memory_file() -> Result<File> {
    let path = "/proc/self/statm";
    File::open(path).map_err(|error| Error::os("open /proc/self/statm", error))
}

/// Bytes of memory that are resident in the process that opened `file`, and not backed by a file or
/// shared memory; 0 where that cannot be read.
pub(crate) fn private_memory(file: &File) -> u64 {
    let [_size, resident, shared, ..] = memory(file);
    resident.saturating_sub(shared)
}

/// Bytes, by the kernel's own order: size, resident, shared, text, (nothing), data.
fn memory(file: &File) -> [u64; 6] {
    let mut buffer = [0; 128];
    let len = file.read_at(&mut buffer, 0).unwrap_or(0);
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096) as u64;
    let mut fields = [0; 6];
    let text = String::from_utf8_lossy(&buffer[..len]);
    for (field, pages) in fields.iter_mut().zip(text.split(' ')) {
        *field = pages.parse().map_or(0, |pages: u64| pages.saturating_mul(page));
    }
    fields
}
