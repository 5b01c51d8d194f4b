//! Runs: pairs in the order of their keys, as bytes in a file.
//!
//! ```text
//! key value value … key value …      each a varint (length * 2, + 1 for a key) and as many bytes
//! ```
//!
//! A key that follows another is larger; its values stand in the order in which they were made.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use serde::Serialize;

use super::scratch::{Extent, Writer};
use super::trouble::{Deed, Trouble};
use crate::codec;

/// Writes runs, one behind the other.
pub(super) struct RunWriter<'f> {
    out: Writer<'f>,
    start: u64,
    encoded: Vec<u8>,
}

impl<'f> RunWriter<'f> {
    pub(super) fn new(file: &'f File, at: u64) -> RunWriter<'f> {
        RunWriter { out: Writer::new(file, at), start: at, encoded: Vec::new() }
    }

    pub(super) fn key<K: Serialize>(&mut self, key: &K) -> Result<(), Trouble> {
        self.item(key, true)
    }

    pub(super) fn value<V: Serialize>(&mut self, value: &V) -> Result<(), Trouble> {
        self.item(value, false)
    }

    /// A value that is encoded already.
    pub(super) fn encoded_value(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.head(bytes.len(), false)?;
        self.out.put(bytes)
    }

    fn item<T: Serialize>(&mut self, item: &T, is_key: bool) -> Result<(), Trouble> {
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.clear();
        codec::append(item, &mut encoded)?;
        self.head(encoded.len(), is_key)?;
        self.out.put(&encoded)?;
        self.encoded = encoded;
        Ok(())
    }

    fn head(&mut self, len: usize, is_key: bool) -> Result<(), Trouble> {
        let (mut number, mut bytes, mut used) = ((len as u64) << 1 | u64::from(is_key), [0; HEAD], 0);
        while number >= 0x80 {
            bytes[used] = number as u8 | 0x80;
            number >>= 7;
            used += 1;
        }
        bytes[used] = number as u8;
        self.out.put(&bytes[..=used])
    }

    /// Ends the run; the next begins behind it.
    pub(super) fn end_run(&mut self) -> Extent {
        let start = std::mem::replace(&mut self.start, self.out.position());
        Extent { start, len: self.start - start }
    }

    /// Writes out what is left; where the file ends now.
    pub(super) fn finish(mut self) -> Result<u64, Trouble> {
        self.out.flush()?;
        Ok(self.out.position())
    }
}

/// The most bytes of a length.
const HEAD: usize = 10;

/// Reads a run through a buffer. What the file holds is not trusted.
pub(super) struct RunReader {
    file: Arc<File>,
    rest: Extent,
    buffer: Vec<u8>,
    /// What of the buffer has been read.
    used: usize,
    /// How much is read at once.
    piece: usize,
}

/// What stands in a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item<'b> {
    Key(&'b [u8]),
    Value(&'b [u8]),
}

impl RunReader {
    pub(super) fn new(file: Arc<File>, run: Extent, piece: usize) -> RunReader {
        RunReader { file, rest: run, buffer: Vec::new(), used: 0, piece }
    }

    /// The next item; `None` at the end of the run.
    pub(super) fn next(&mut self) -> Result<Option<Item<'_>>, Trouble> {
        if self.left() < HEAD {
            self.fill(HEAD)?;
        }
        if self.left() == 0 {
            return Ok(None);
        }
        let (len, is_key) = self.head()?;
        if self.left() < len {
            self.fill(len)?;
            if self.left() < len {
                return Err(cut());
            }
        }
        let bytes = &self.buffer[self.used..][..len];
        self.used += len;
        Ok(Some(if is_key { Item::Key(bytes) } else { Item::Value(bytes) }))
    }

    fn left(&self) -> usize {
        self.buffer.len() - self.used
    }

    fn head(&mut self) -> Result<(usize, bool), Trouble> {
        let mut number = 0u64;
        for (at, byte) in self.buffer[self.used..].iter().take(HEAD).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * at).min(63);
            if byte & 0x80 == 0 {
                self.used += at + 1;
                let len = usize::try_from(number >> 1).map_err(|_| cut())?;
                return Ok((len, number & 1 == 1));
            }
        }
        Err(cut())
    }

    /// Has at least so many bytes ready, if the run has them.
    fn fill(&mut self, least: usize) -> Result<(), Trouble> {
        let left = self.left();
        self.buffer.copy_within(self.used.., 0);
        self.buffer.truncate(left);
        self.used = 0;
        let wanted = least.max(self.piece);
        while self.buffer.len() < wanted && self.rest.len != 0 {
            let have = self.buffer.len();
            // A forged length costs no memory that the file does not have bytes for, about.
            let more = (wanted - have)
                .min(have.max(1 << 20))
                .min(usize::try_from(self.rest.len).unwrap_or(usize::MAX));
            self.buffer.try_reserve(more).map_err(|_| cut())?;
            self.buffer.resize(have + more, 0);
            let read = self.file.read_exact_at(&mut self.buffer[have..], self.rest.start);
            read.map_err(Trouble::os(Deed::Read))?;
            self.rest.start = self.rest.start.saturating_add(more as u64);
            self.rest.len -= more as u64;
        }
        Ok(())
    }
}

#[cold]
fn cut() -> Trouble {
    Trouble::Decode("the temporary file holds no pairs where it should".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::many::map_reduce::merge::Merge;
    use crate::many::map_reduce::scratch::Scratch;

    fn scratch() -> Scratch {
        Scratch::create(&std::env::temp_dir()).unwrap()
    }

    #[test]
    fn runs_are_read_as_they_were_written_whatever_the_buffer() {
        let file = scratch();
        let long = "x".repeat(1000);
        let write = |keys: &[u32]| {
            let mut out = RunWriter::new(file.file(), u64::from(keys[0]) * 100_000);
            for key in keys {
                out.key(key).unwrap();
                (0..*key).for_each(|_| out.value(&format!("{key}{long}")).unwrap());
            }
            let run = out.end_run();
            out.finish().unwrap();
            run
        };
        let runs = [write(&[1, 3, 8]), write(&[2, 3]), write(&[3])];
        for piece in [1, 7, 1 << 20] {
            let readers = runs.iter().map(|run| RunReader::new(file.file().clone(), *run, piece)).collect();
            let mut merge = Merge::<u32, String>::new(readers).unwrap();
            let mut read = Vec::new();
            while let Some(key) = merge.key().unwrap() {
                // Of one key no value is asked for.
                while key != 2
                    && let Some(value) = merge.value().unwrap()
                {
                    assert_eq!(value, format!("{key}{long}"));
                    read.push(key);
                }
            }
            assert_eq!(read, [vec![1], vec![3; 9], vec![8; 8]].concat(), "{piece}");
        }
    }

    #[test]
    fn whatever_stands_in_a_file_is_an_error_or_a_pair() {
        let mut state = 1u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        };
        for round in 0..200 {
            let file = scratch();
            let bytes: Vec<u8> = (0..random() % 64).map(|_| (random() % [4, 256][round % 2]) as u8).collect();
            file.file().write_all_at(&bytes, 0).unwrap();
            let claimed = if random() % 8 == 0 { 1 << 60 } else { bytes.len() as u64 };
            let run = Extent { start: 0, len: claimed };
            let readers = vec![RunReader::new(file.file().clone(), run, 16)];
            let Ok(mut merge) = Merge::<u8, Vec<u8>>::new(readers) else { continue };
            while let Ok(Some(_)) = merge.key() {
                while let Ok(Some(_)) = merge.value() {}
            }
        }
    }

    #[test]
    fn a_length_that_nothing_has_is_an_error() {
        let file = scratch();
        file.file().write_all_at(&[0xff; 20], 0).unwrap();
        let mut reader = RunReader::new(file.file().clone(), Extent { start: 0, len: u64::MAX }, 16);
        assert!(matches!(reader.next(), Err(Trouble::Decode(_))));
        file.file().write_all_at(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 0).unwrap();
        let mut reader = RunReader::new(file.file().clone(), Extent { start: 0, len: u64::MAX }, 16);
        assert!(reader.next().is_err());
    }
}
