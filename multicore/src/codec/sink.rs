//! Where the codecs write: a window that goes on counting once it is full.

use std::io;

use super::Failure;
use crate::shm::window::{WindowWriter, WriteError};

/// A [`WindowWriter`] for a serialiser that stops at the first error.
///
/// A full window is no error to the serialiser: it runs to the end of the value, so that
/// [`Failure::TooLarge`] can say how much is needed, and [`finish`](Sink::finish) tells. The kernel's
/// refusal does stop it; it is kept here, because a serialiser's error type cannot carry it.
pub(super) struct Sink<'s, 'w> {
    out: &'s mut WindowWriter<'w>,
    refusal: Option<io::Error>,
}

/// The kernel refused a page; [`Sink::finish`] has its answer.
pub(super) struct Refused;

impl<'s, 'w> Sink<'s, 'w> {
    pub(super) fn new(out: &'s mut WindowWriter<'w>) -> Self {
        Sink { out, refusal: None }
    }

    /// Appends `bytes`, or counts them.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let written = self.out.put(bytes);
        self.judge(written)
    }

    /// Appends zeros up to the next multiple of [`ALIGNMENT`](crate::shm::window::ALIGNMENT).
    pub(super) fn align(&mut self) -> Result<(), Refused> {
        let written = self.out.align();
        self.judge(written)
    }

    /// What became of a value whose encoding ended with `encoded`, an error as its reason.
    ///
    /// A value that does not encode at all is never called too large: no limit would help it.
    pub(super) fn finish(self, encoded: Result<(), String>) -> Result<(), Failure> {
        if let Some(refusal) = self.refusal {
            return Err(Failure::Os(refusal));
        }
        encoded.map_err(Failure::Encode)?;
        let (need, limit) = (self.out.needed(), self.out.limit());
        if need <= limit {
            return Ok(());
        }
        Err(Failure::TooLarge { need: need as u64, limit: limit as u64 })
    }

    fn judge(&mut self, written: Result<(), WriteError>) -> Result<(), Refused> {
        match written {
            Ok(()) | Err(WriteError::Full) => Ok(()),
            Err(WriteError::Os(refusal)) => {
                self.refusal.get_or_insert(refusal);
                Err(Refused)
            }
        }
    }
}

impl From<Refused> for io::Error {
    fn from(_: Refused) -> io::Error {
        io::ErrorKind::OutOfMemory.into()
    }
}

impl From<Refused> for String {
    fn from(_: Refused) -> String {
        String::from("the kernel has no memory for the window")
    }
}

/// Gathers a serialiser's small writes, a number or a bracket each, before they go to the [`Sink`].
///
/// Nothing but `used` changes from write to write and no address of it leaves, so it stays in a
/// register; a window's position does not. Measured, a million `u64` took 2.8 ms without it.
pub(super) struct Stage<'b, 's, 'w> {
    sink: &'b mut Sink<'s, 'w>,
    buffer: &'b mut [u8; STAGE],
    used: usize,
}

/// Small enough that clearing it does not show in a short call.
const STAGE: usize = 256;

impl<'s, 'w> Sink<'s, 'w> {
    /// Runs `write` on a stage in front of this sink, then passes on what is left there.
    #[inline]
    pub(super) fn staged<E: Into<String>>(
        &mut self,
        write: impl FnOnce(&mut Stage<'_, 's, 'w>) -> Result<(), E>,
    ) -> Result<(), String> {
        let mut stage = Stage { sink: self, buffer: &mut [0; STAGE], used: 0 };
        write(&mut stage).map_err(E::into)?;
        Ok(spill(stage.sink, &stage.buffer[..stage.used], &[])?)
    }
}

impl Stage<'_, '_, '_> {
    /// Appends `bytes`, or counts them.
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if let Some(space) = self.buffer[self.used..].get_mut(..bytes.len()) {
            space.copy_from_slice(bytes);
            self.used += bytes.len();
            return Ok(());
        }
        let used = std::mem::take(&mut self.used);
        spill(self.sink, &self.buffer[..used], bytes)
    }
}

/// Takes parts instead of a stage, whose address would leave.
#[cold]
#[inline(never)]
fn spill(sink: &mut Sink<'_, '_>, staged: &[u8], bytes: &[u8]) -> Result<(), Refused> {
    sink.put(staged)?;
    sink.put(bytes)
}

/// For serialisers that write to files as well.
impl io::Write for Stage<'_, '_, '_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Ok(self.put(bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
