//! Memory of this process's own, for calls that go to no other: what a window is to the others.

use std::io;
use std::ptr::NonNull;

use bytemuck::{Pod, Zeroable};

use super::layout::PAGE;
use super::window::{ALIGNMENT, Store};
use crate::sys::memory::in_large_pages;

/// As much as values in a payload are aligned to.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct Block([u8; ALIGNMENT]);

// SAFETY: [plain] a row of bytes: no padding, and every bit pattern is one, zeroes among them.
unsafe impl Zeroable for Block {}
// SAFETY: [plain] as above; it is `Copy`, and holds nothing that could dangle.
unsafe impl Pod for Block {}

/// As much as values of shared data are aligned to.
#[cfg(not(processes))]
#[derive(Clone, Copy)]
#[repr(C, align(4096))]
pub(crate) struct Page([u8; PAGE]);

// SAFETY: [plain] a row of bytes: no padding, and every bit pattern is one, zeroes among them.
#[cfg(not(processes))]
unsafe impl Zeroable for Page {}
// SAFETY: [plain] as above; it is `Copy`, and holds nothing that could dangle.
#[cfg(not(processes))]
unsafe impl Pod for Page {}

/// Memory that grows as it is written, in such units; empty it has taken none.
pub(crate) struct Memory<U = Block>(Vec<U>);

impl<U> Default for Memory<U> {
    fn default() -> Self {
        Memory(Vec::new())
    }
}

impl<U: Pod> Memory<U> {
    /// All of it, aligned as its unit is: what was written, and what was made usable behind that.
    pub(crate) fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }

    /// All of it, at least so many bytes, zeroes where nothing was written.
    ///
    /// # Errors
    /// There is no memory.
    pub(crate) fn room(&mut self, need: usize) -> io::Result<&mut [u8]> {
        let units = need.div_ceil(size_of::<U>()).max(4);
        if units > self.0.len() {
            self.reserve(units - self.0.len())?;
            // All that there is, so that the next write need not come here.
            self.0.resize(self.0.capacity().min(2 * units), U::zeroed());
        }
        Ok(bytemuck::cast_slice_mut(&mut self.0))
    }

    fn reserve(&mut self, units: usize) -> io::Result<()> {
        self.0.try_reserve(units).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))
    }
}

fn usable(bytes: &mut [u8]) -> (NonNull<u8>, usize) {
    (NonNull::from(&mut *bytes).cast(), bytes.len())
}

impl Store for Memory {
    fn provide(&mut self, need: usize) -> io::Result<(NonNull<u8>, usize)> {
        self.room(need).map(usable)
    }

    /// Much at once is copied to where it stays, with no zeroes before.
    fn write(&mut self, at: usize, bytes: &[u8]) -> io::Result<Option<(NonNull<u8>, usize)>> {
        if bytes.len() < PAGE {
            return Ok(None);
        }
        let begun = at.next_multiple_of(ALIGNMENT);
        let (head, rest) = bytes.split_at(begun - at);
        // Everything before `at` is written, so the block that `at` is in is there.
        self.0.truncate(begun / ALIGNMENT);
        bytemuck::cast_slice_mut(&mut self.0)[at..begun].copy_from_slice(head);
        let (whole, tail) = rest.as_chunks();
        self.reserve(whole.len() + 1)?;
        in_large_pages(self.0.spare_capacity_mut());
        self.0.extend(whole.iter().copied().map(Block));
        if !tail.is_empty() {
            let mut last = Block::zeroed();
            last.0[..tail.len()].copy_from_slice(tail);
            self.0.push(last);
        }
        Ok(Some(usable(bytemuck::cast_slice_mut(&mut self.0))))
    }
}

#[cfg(test)]
mod test {
    use super::Memory;
    use crate::shm::window::{ALIGNMENT, WindowWriter};

    /// Writes pieces of these lengths one after another; what is there is what was written.
    fn check(lengths: &[usize]) {
        let mut memory: Memory = Memory::default();
        let mut out = WindowWriter::new(&mut memory, usize::MAX);
        let mut expected = Vec::new();
        for (number, len) in lengths.iter().enumerate() {
            let piece: Vec<u8> = (0..*len).map(|n| (n * 7 + number) as u8).collect();
            out.put(&piece).unwrap_or_else(|_| panic!("there is memory for {len} bytes"));
            expected.extend(piece);
        }
        assert_eq!(out.needed(), expected.len());
        assert_eq!(memory.bytes()[..expected.len()], expected, "{lengths:?}");
        assert!(memory.bytes().as_ptr().addr().is_multiple_of(ALIGNMENT));
    }

    #[test]
    fn what_is_written_in_any_pieces_is_there() {
        check(&[]);
        check(&[0]);
        check(&[1]);
        check(&[1; 200]);
        check(&[4096]);
        check(&[4097, 1, 4095, 1]);
        check(&[3, 5000, 15, 8192, 16, 100_000, 1, 4096]);
        check(&[70, 70_000, 0, 70_000]);
    }
}
