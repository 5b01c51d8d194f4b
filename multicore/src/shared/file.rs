//! Where shared data is written: a file in memory, which is sealed then and mapped for reading.
//!
//! Measured, a gibibyte that is written to the file piece by piece, out of a buffer that stays in the cache,
//! takes half as long as one that is written through a mapping: the kernel does not zero the pages first,
//! and no page is mapped only to be unmapped. Nor is there ever a writable mapping that could keep the file
//! from being sealed.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use memmap2::Mmap;

use super::data::Data;
use crate::error::{Error, Result};
use crate::sys::{memfd, sealed};

/// What it is read from in the end.
pub(super) type Bytes = Mmap;

pub(super) struct Store(OwnedFd);

impl Store {
    pub(super) fn new() -> Result<Store> {
        Ok(Store(memfd::create(c"multicore-shared")?))
    }

    /// Appends bytes behind the `len` that there are. Memory comes as it is needed, and that there is none is an
    /// error.
    pub(super) fn append(&mut self, len: u64, bytes: &[u8]) -> Result<()> {
        // Says that a limit on files is reached where writing would end the process.
        memfd::set_len(self.0.as_fd(), len + bytes.len() as u64)?;
        memfd::write_at(self.0.as_fd(), bytes, len).map_err(|error| Error::os("pwrite", error))
    }

    /// Has `fill` write `len` bytes, at least 1, zeroes before.
    pub(super) fn fill(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<()> {
        memfd::set_len(self.0.as_fd(), len as u64)?;
        memfd::provide(self.0.as_fd(), 0, len as u64).map_err(|error| Error::os("fallocate", error))?;
        fill(&mut sealed::map_for_writing(self.0.as_fd(), len)?);
        Ok(())
    }

    /// Nobody changes it any more.
    pub(super) fn finish(self, len: usize) -> Result<Arc<Data>> {
        sealed::seal(self.0.as_fd())?;
        let bytes = sealed::map(self.0.as_fd(), len)?;
        Ok(Data::made(bytes, self.0))
    }
}
