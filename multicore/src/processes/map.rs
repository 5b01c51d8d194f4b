//! The region's file and its mapping: where `shm` meets `sys`.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use nix::fcntl::SealFlag;

use crate::config::LEAST_PAYLOAD_LIMIT;
use crate::error::{Error, Result};
use crate::shm::layout::Geometry;
use crate::shm::region::{Pages, Region};
use crate::sys::memfd;

/// The region's file, which gives pages and takes them back.
pub(crate) struct File(pub(crate) Arc<OwnedFd>);

impl Pages for File {
    fn provide(&self, offset: usize, len: usize) -> io::Result<()> {
        memfd::provide(self.0.as_fd(), offset as u64, len as u64)
    }

    fn write(&self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        memfd::write_within_limit(self.0.as_fd(), bytes, offset as u64)
    }

    fn release(&self, offset: usize, len: usize) -> io::Result<()> {
        memfd::release(self.0.as_fd(), offset as u64, len as u64)
    }

    fn is_written(&self, offset: usize, len: usize) -> bool {
        memfd::is_written(self.0.as_fd(), offset as u64, len as u64)
    }
}

/// Makes a region; its windows are halved until they fit the address space and the file-size limit. Its slot
/// headers are still to be [provided](provide_headers).
///
/// # Errors
/// `Os`, with the call that the kernel refused even for the smallest windows.
pub(crate) fn make(mut geometry: Geometry) -> Result<(Region, Arc<OwnedFd>)> {
    loop {
        match try_make(c"multicore", geometry) {
            Ok(made) => return Ok(made),
            Err(error) if geometry.window as u64 / 2 >= LEAST_PAYLOAD_LIMIT && is_about_size(&error) => {
                geometry.window /= 2;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Makes the private region of one worker, which no other process that is forked later has.
///
/// # Errors
/// `Os`. Its windows are as large as those of the region whose calls it is for, or there is none.
pub(crate) fn make_private(geometry: Geometry) -> Result<(Region, Arc<OwnedFd>)> {
    let (region, file) = try_make(c"multicore-private", geometry)?;
    provide_headers(&region)?;
    region.keep_from_forks().map_err(|e| Error::os("madvise(MADV_DONTFORK)", e))?;
    Ok((region, file))
}

/// Gives the slot headers their pages.
///
/// # Errors
/// `Os` from `fallocate`.
pub(crate) fn provide_headers(region: &Region) -> Result<()> {
    region.provide_headers().map_err(|e| Error::os("fallocate", e))
}

fn is_about_size(error: &Error) -> bool {
    let Error::Os { call, source, .. } = error else { return false };
    matches!(*call, "mmap" | "ftruncate")
        && matches!(source.raw_os_error(), Some(libc::ENOMEM | libc::EFBIG | libc::EINVAL | libc::EOVERFLOW))
}

fn try_make(name: &CStr, geometry: Geometry) -> Result<(Region, Arc<OwnedFd>)> {
    let too_large = || Error::os("mmap", io::Error::from_raw_os_error(libc::ENOMEM));
    let total = geometry.total().ok_or_else(too_large)?;
    // Half of what is allowed is left to the program.
    if memfd::address_space_left().is_some_and(|left| total as u64 > left / 2) {
        return Err(too_large());
    }
    let file = Arc::new(memfd::create(name)?);
    memfd::set_len(file.as_fd(), total as u64)?;
    memfd::seal_size(file.as_fd())?;
    let region = map(file.clone(), geometry)?;
    region.provide_front().map_err(|e| Error::os("fallocate", e))?;
    Ok((region, file))
}

/// Maps a region that another process made.
///
/// # Errors
/// `Os`; also when the file is smaller than the geometry says or could still shrink.
pub(crate) fn map(file: Arc<OwnedFd>, geometry: Geometry) -> Result<Region> {
    let invalid = || Error::os("mmap", io::Error::from_raw_os_error(libc::EINVAL));
    let total = geometry.total().ok_or_else(invalid)?;
    if memfd::len(file.as_fd())? < total as u64
        || !memfd::seals(file.as_fd())?.contains(SealFlag::F_SEAL_SHRINK)
    {
        return Err(invalid());
    }
    let mapping = memfd::map(file.as_fd(), total)?;
    Region::over(mapping, geometry, Box::new(File(file))).map_err(|e| Error::os("mmap", e))
}
