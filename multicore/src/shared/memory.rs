//! Where shared data is written where there are no worker processes: memory of this process's own.

use std::ops::Deref;
use std::sync::Arc;

use super::data::Data;
use crate::error::{Error, Result};
use crate::shm::own::{Memory, Page};

/// What it is read from in the end.
pub(super) struct Bytes {
    memory: Memory<Page>,
    len: usize,
}

#[derive(Default)]
pub(super) struct Store(Memory<Page>);

impl Store {
    pub(super) fn new() -> Result<Store> {
        Ok(Store::default())
    }

    /// Appends bytes behind the `len` that there are.
    pub(super) fn append(&mut self, len: u64, bytes: &[u8]) -> Result<()> {
        let begin = len as usize;
        self.room(begin.saturating_add(bytes.len()))?[begin..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    /// Has `fill` write `len` bytes, at least 1, zeroes before.
    pub(super) fn fill(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<()> {
        fill(&mut self.room(len)?[..len]);
        Ok(())
    }

    fn room(&mut self, len: usize) -> Result<&mut [u8]> {
        self.0.room(len).map_err(|error| Error::os("malloc", error))
    }

    /// Nobody changes it any more.
    pub(super) fn finish(self, len: usize) -> Result<Arc<Data>> {
        Ok(Data::made(Bytes { memory: self.0, len }))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory.bytes()[..self.len]
    }
}
