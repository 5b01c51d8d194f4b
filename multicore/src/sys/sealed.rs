//! Files whose content nobody can change any more, and their mappings.
//!
//! - **[sealed]** a memfd that carries the seals of [`SEALS`] keeps its content and its length for good:
//!   the kernel set them only because no writable mapping existed, allows none after that, and refuses
//!   every write, whoever asks. So a slice of its mapping never changes and stays backed.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use memmap2::{Advice, Mmap, MmapMut, MmapOptions};
use nix::fcntl::SealFlag;

use super::memfd;
use crate::{Error, Result};

/// What a file needs before it is mapped here.
const SEALS: SealFlag = SealFlag::F_SEAL_WRITE
    .union(SealFlag::F_SEAL_SHRINK)
    .union(SealFlag::F_SEAL_GROW)
    .union(SealFlag::F_SEAL_SEAL);

/// Fixes a memfd's content for good.
///
/// # Errors
/// `Os` from `fcntl`: EBUSY while somebody has it mapped for writing, in a fork of this process say.
pub(crate) fn seal(fd: BorrowedFd<'_>) -> Result<()> {
    memfd::add_seals(fd, SEALS)
}

/// Maps the first `len` bytes of a sealed file for reading, left out of core dumps.
///
/// Private, because kernels before 6.7 take a shared mapping of a sealed file for one that could write.
/// A process that makes its own mapping writable changes its own copy.
///
/// # Errors
/// `Os`: EINVAL when the file is not sealed or shorter than that; what `mmap` and `madvise` say.
pub(crate) fn map(fd: BorrowedFd<'_>, len: usize) -> Result<Mmap> {
    if !memfd::seals(fd)?.contains(SEALS) || memfd::len(fd)? < len as u64 {
        return Err(Error::os("mmap", io::Error::from_raw_os_error(libc::EINVAL)));
    }
    let mut options = MmapOptions::new();
    let options = options.len(len).no_reserve_swap();
    // SAFETY: [sealed] the file has all seals and is long enough, as just checked.
    let map = unsafe { options.map_copy_read_only(fd.as_raw_fd()) };
    let map = map.map_err(|error| Error::os("mmap", error))?;
    map.advise(Advice::DontDump).map_err(|error| Error::os("madvise(MADV_DONTDUMP)", error))?;
    Ok(map)
}

/// Maps the first `len` bytes of a new file, which has its pages, for writing; not in processes that are
/// forked meanwhile, which would keep it from being sealed.
///
/// Only for a file that nobody else has seen.
///
/// # Errors
/// `Os` from `mmap` or `madvise`.
pub(crate) fn map_for_writing(fd: BorrowedFd<'_>, len: usize) -> Result<MmapMut> {
    let mut options = MmapOptions::new();
    // SAFETY: the caller promises that nobody else has the file, so nobody changes it meanwhile.
    let map = unsafe { options.len(len).map_mut(fd.as_raw_fd()) };
    let map = map.map_err(|error| Error::os("mmap", error))?;
    map.advise(Advice::DontFork).map_err(|error| Error::os("madvise(MADV_DONTFORK)", error))?;
    map.advise(Advice::DontDump).map_err(|error| Error::os("madvise(MADV_DONTDUMP)", error))?;
    Ok(map)
}
