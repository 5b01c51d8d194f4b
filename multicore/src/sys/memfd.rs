//! Memory with a descriptor and no name: it goes when the last process that holds it goes.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use memmap2::{Advice, MmapOptions, MmapRaw};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::uio::{pread, pwrite};
use nix::unistd::{Whence, lseek};

use super::{owned, retried};
use crate::{Error, Result};

/// Bytes asked for in one `fallocate`: a signal undoes a whole request, so none may be endless.
const PROVIDE_STEP: u64 = 64 << 20;

/// Makes an empty memfd: close-on-exec, sealable, and never executable where the kernel knows that.
///
/// The name shows in `/proc/<pid>/maps` and means nothing else.
///
/// # Errors
/// `Os` from `memfd_create`: no descriptor left, or no memory.
pub(crate) fn create(name: &CStr) -> Result<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    match create_with(name, flags | libc::MFD_NOEXEC_SEAL) {
        // Before Linux 6.3 the flag is unknown.
        Err(Error::Os { source, .. }) if source.raw_os_error() == Some(libc::EINVAL) => {
            create_with(name, flags)
        }
        outcome => outcome,
    }
}

fn create_with(name: &CStr, flags: libc::c_uint) -> Result<OwnedFd> {
    // SAFETY: `name` ends in a NUL and the kernel only reads it.
    let returned = unsafe { libc::memfd_create(name.as_ptr(), flags) };
    // SAFETY: `memfd_create` makes a descriptor, and this is the only place that saw it.
    unsafe { owned("memfd_create", returned) }
}

/// Sets the file's length; takes no memory.
///
/// # Errors
/// `Os` with EFBIG when `len` is over the soft limit on file sizes: asking the kernel would raise
/// SIGXFSZ, whose default is death. Otherwise what `ftruncate` says.
pub(crate) fn set_len(fd: BorrowedFd<'_>, len: u64) -> Result<()> {
    let too_big = || Error::os("ftruncate", io::Error::from_raw_os_error(libc::EFBIG));
    if file_size_limit().is_some_and(|limit| len > limit) {
        return Err(too_big());
    }
    let len = libc::off_t::try_from(len).map_err(|_| too_big())?;
    retried(|| nix::unistd::ftruncate(fd, len)).map_err(|error| Error::os("ftruncate", error))
}

/// The file's length in bytes.
///
/// # Errors
/// `Os` from `fstat`.
pub(crate) fn len(fd: BorrowedFd<'_>) -> Result<u64> {
    let stat = nix::sys::stat::fstat(fd).map_err(|error| Error::os("fstat", error))?;
    Ok(stat.st_size as u64)
}

/// Fixes the file's length, and the set of seals, for good.
///
/// # Errors
/// `Os` from `fcntl`: EPERM when it is sealed already.
pub(crate) fn seal_size(fd: BorrowedFd<'_>) -> Result<()> {
    add_seals(fd, SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL)
}

pub(super) fn add_seals(fd: BorrowedFd<'_>, seals: SealFlag) -> Result<()> {
    fcntl(fd, FcntlArg::F_ADD_SEALS(seals)).map_err(|error| Error::os("fcntl(F_ADD_SEALS)", error))?;
    Ok(())
}

/// The seals that are set; what arrives from another process is checked with this before it is mapped.
///
/// # Errors
/// `Os` from `fcntl`: EINVAL when the descriptor is no memfd.
pub(crate) fn seals(fd: BorrowedFd<'_>) -> Result<SealFlag> {
    let bits = fcntl(fd, FcntlArg::F_GET_SEALS).map_err(|error| Error::os("fcntl(F_GET_SEALS)", error))?;
    Ok(SealFlag::from_bits_retain(bits))
}

/// Gives the range memory now, so that touching it cannot fail later; what it holds stays.
///
/// If the process dies here, some pages of the range are provided and nothing else has changed.
///
/// # Errors
/// ENOSPC or ENOMEM when the machine, the mount or the cgroup has none to give; pages provided before
/// that stay until [`release`].
pub(crate) fn provide(fd: BorrowedFd<'_>, offset: u64, len: u64) -> io::Result<()> {
    let end = offset.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
    let mut at = offset;
    while at < end {
        let step = PROVIDE_STEP.min(end - at);
        allocate(fd, FallocateFlags::empty(), at, step)?;
        at += step;
    }
    Ok(())
}

/// Gives the range's memory back; it reads as zeroes until it is written again.
///
/// # Errors
/// What `fallocate` says; EPERM when the content is sealed.
pub(crate) fn release(fd: BorrowedFd<'_>, offset: u64, len: u64) -> io::Result<()> {
    if len == 0 {
        return Ok(());
    }
    let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    allocate(fd, hole, offset, len)
}

/// Whether every page of the range was written; also where the kernel does not say.
pub(crate) fn is_written(fd: BorrowedFd<'_>, offset: u64, len: u64) -> bool {
    let Ok(start) = libc::off_t::try_from(offset) else { return false };
    // Moves the position that all processes share, and nobody uses.
    match lseek(fd, start, Whence::SeekHole) {
        Ok(hole) => hole as u64 >= offset.saturating_add(len),
        Err(error) => error != Errno::ENXIO,
    }
}

fn allocate(fd: BorrowedFd<'_>, flags: FallocateFlags, offset: u64, len: u64) -> io::Result<()> {
    let bad = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let offset = libc::off_t::try_from(offset).map_err(bad)?;
    let len = libc::off_t::try_from(len).map_err(bad)?;
    Ok(retried(|| fallocate(fd, flags, offset, len))?)
}

/// Fills `buffer` from the file. What has no memory reads as zeroes and gets none.
///
/// # Errors
/// `UnexpectedEof` where the file is shorter; otherwise what `pread` says.
pub(crate) fn read_at(fd: BorrowedFd<'_>, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let read = retried(|| pread(fd, buffer, position(offset)?))?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (buffer, offset) = (&mut buffer[read..], offset + read as u64);
    }
    Ok(())
}

/// Writes all of `bytes`. Memory comes as it is needed.
///
/// # Errors
/// ENOSPC or ENOMEM when there is none; part of it may be written then.
pub(crate) fn write_at(fd: BorrowedFd<'_>, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = retried(|| pwrite(fd, bytes, position(offset)?))?;
        (bytes, offset) = (&bytes[written..], offset + written as u64);
    }
    Ok(())
}

/// As [`write_at`], but refused where files have a limit (`ulimit -f`): one that was set since the file was
/// made ends whoever writes beyond it, by SIGXFSZ.
///
/// # Errors
/// `Unsupported` where there is such a limit; otherwise as [`write_at`].
pub(crate) fn write_within_limit(fd: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> io::Result<()> {
    match file_size_limit() {
        None => write_at(fd, bytes, offset),
        Some(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn position(offset: u64) -> nix::Result<libc::off_t> {
    libc::off_t::try_from(offset).map_err(|_| Errno::EOVERFLOW)
}

/// Maps the first `len` bytes, shared and writable, reserving nothing and left out of core dumps.
///
/// # Errors
/// `Os` from `mmap` (ENOMEM: the address space is limited) or `madvise`.
pub(crate) fn map(fd: BorrowedFd<'_>, len: usize) -> Result<MmapRaw> {
    without_dump(options(0, len).map_raw(fd.as_raw_fd()))
}

fn options(offset: u64, len: usize) -> MmapOptions {
    MmapOptions::new().offset(offset).len(len).no_reserve_swap().clone()
}

fn without_dump(mapping: io::Result<MmapRaw>) -> Result<MmapRaw> {
    let mapping = mapping.map_err(|error| Error::os("mmap", error))?;
    mapping.advise(Advice::DontDump).map_err(|error| Error::os("madvise(MADV_DONTDUMP)", error))?;
    Ok(mapping)
}

/// The soft limit on a file's size (`ulimit -f`) in bytes; `None` when there is none.
pub(crate) fn file_size_limit() -> Option<u64> {
    soft_limit(Resource::RLIMIT_FSIZE)
}

/// Bytes of address space that may still be mapped under `ulimit -v`; `None` when it is unlimited.
pub(crate) fn address_space_left() -> Option<u64> {
    let limit = soft_limit(Resource::RLIMIT_AS)?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    Some(limit.saturating_sub(size.unwrap_or(0u64).saturating_mul(1024)))
}

fn soft_limit(resource: Resource) -> Option<u64> {
    let (soft, _hard) = getrlimit(resource).ok()?;
    (soft != libc::RLIM_INFINITY).then_some(soft)
}
