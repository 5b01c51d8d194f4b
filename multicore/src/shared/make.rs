//! How shared data comes to be: written once, and then read by all.

use std::io;
use std::sync::Arc;

use bytemuck::Pod;

use super::data::{Data, Nothing};
use super::store::Store;
use crate::error::{Error, Result};

/// Bytes that are gathered before they are written.
const STAGE: usize = 256 << 10;

/// What is to be shared, and how much of it there is.
pub(super) struct Maker {
    store: Store,
    len: u64,
}

impl Maker {
    pub(super) fn new() -> Result<Maker> {
        Ok(Maker { store: Store::new()?, len: 0 })
    }

    /// Appends values. Memory comes as it is needed, and that there is none is an error.
    pub(super) fn put<T: Pod>(&mut self, values: &[T]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        self.store.append(self.len, bytes)?;
        self.len += bytes.len() as u64;
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
        self.len = len as u64;
        if len == 0 {
            fill(&mut Nothing([]).0);
            return Ok(());
        }
        self.store.fill(len, fill)
    }

    /// Nobody changes it any more.
    pub(super) fn finish(self) -> Result<Arc<Data>> {
        if self.len == 0 {
            return Ok(Data::empty());
        }
        self.store.finish(self.len as usize)
    }
}
