//! How shared data comes to be: written once, sealed, and mapped for reading.
//!
//! Measured, a gibibyte that is written to the file piece by piece, out of a buffer that stays in the cache,
//! takes half as long as one that is written through a mapping: the kernel does not zero the pages first,
//! and no page is mapped only to be unmapped. Nor is there ever a writable mapping that could keep the file
//! from being sealed.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use bytemuck::Pod;

use super::data::{Data, Nothing};
use crate::error::{Error, Result};
use crate::sys::{memfd, sealed};

/// Bytes that are gathered before they are written.
const STAGE: usize = 256 << 10;

/// A file to be shared, and how much of it there is.
pub(super) struct Maker {
    file: OwnedFd,
    len: u64,
}

impl Maker {
    pub(super) fn new() -> Result<Maker> {
        Ok(Maker { file: memfd::create(c"multicore-shared")?, len: 0 })
    }

    /// Appends values. Memory comes as it is needed, and that there is none is an error.
    pub(super) fn put<T: Pod>(&mut self, values: &[T]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let len = self.len + bytes.len() as u64;
        // Says that a limit on files is reached where writing would end the process.
        memfd::set_len(self.file.as_fd(), len)?;
        memfd::write_at(self.file.as_fd(), bytes, self.len).map_err(|error| Error::os("pwrite", error))?;
        self.len = len;
        Ok(())
    }

    /// Appends what `next` gives until it gives nothing more.
    pub(super) fn put_all<T: Pod, E: From<Error>>(
        &mut self,
        mut next: impl FnMut() -> Option<Result<T, E>>,
    ) -> Result<(), E> {
        let mut stage: Vec<T> = Vec::with_capacity((STAGE / size_of::<T>()).max(1));
        while let Some(value) = next() {
            stage.push(value?);
            if stage.len() == stage.capacity() {
                self.put(&stage)?;
                stage.clear();
            }
        }
        Ok(self.put(&stage)?)
    }

    /// Appends all that there is to be read: values of `size` bytes.
    pub(super) fn read_all(&mut self, mut from: impl io::Read, size: usize) -> Result<()> {
        let mut stage = vec![0_u8; STAGE];
        loop {
            match from.read(&mut stage) {
                Ok(0) => break,
                Ok(read) => self.put(&stage[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::os("read", error)),
            }
        }
        match self.len % size as u64 {
            0 => Ok(()),
            _ => Err(Error::config(
                "shared data",
                format!("{} bytes were read, which are no whole number of values of {size} bytes", self.len),
            )),
        }
    }

    /// Has `fill` write `len` bytes, zeroes before, where they stay.
    pub(super) fn fill(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<()> {
        memfd::set_len(self.file.as_fd(), len as u64)?;
        self.len = len as u64;
        if len == 0 {
            fill(&mut Nothing([]).0);
            return Ok(());
        }
        memfd::provide(self.file.as_fd(), 0, self.len).map_err(|error| Error::os("fallocate", error))?;
        let mut map = sealed::map_for_writing(self.file.as_fd(), len)?;
        fill(&mut map);
        Ok(())
    }

    /// Nobody changes it any more.
    pub(super) fn finish(self) -> Result<Arc<Data>> {
        if self.len == 0 {
            return Ok(Data::empty());
        }
        sealed::seal(self.file.as_fd())?;
        Data::of(self.file, self.len as usize)
    }
}
