//! A short text in shared memory that outlives the process that wrote it.
//!
//! Two buffers and one word that says which of them counts, and how much of it. A writer fills the
//! other buffer and then moves the word, so one that dies in the middle leaves the text before. One
//! process writes; anybody may read.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};

/// Text of up to `8 * WORDS` bytes.
#[repr(C)]
pub(crate) struct Note<const WORDS: usize> {
    /// How often it was written, in the upper half; the bytes that count in the lower.
    at: AtomicU64,
    buffers: [[AtomicU64; WORDS]; 2],
}

/// How often a reader tries again whose text was written over meanwhile.
const READS: u32 = 8;

impl<const WORDS: usize> Note<WORDS> {
    const BYTES: usize = 8 * WORDS;

    /// Keeps the front of `text`. Async-signal-safe.
    pub(crate) fn set(&self, text: &str) {
        let mut end = text.len().min(Self::BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let written = self.written().wrapping_add(1);
        // With the fence in `get`: whoever reads bytes of this text there sees that the word has moved.
        fence(Release);
        for (word, bytes) in self.buffer(written).iter().zip(text.as_bytes()[..end].chunks(8)) {
            let mut filled = [0; 8];
            filled[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(filled), Relaxed);
        }
        self.at.store(u64::from(written) << 32 | end as u64, Release);
    }

    /// Forgets the text. Costs one store where there is one.
    #[inline]
    pub(crate) fn clear(&self) {
        let at = self.at.load(Relaxed);
        if at as u32 != 0 {
            self.at.store(at & !0xffff_ffff, Release);
        }
    }

    /// The text, if there is one. A reader that the writer overtakes again and again gets none.
    pub(crate) fn get(&self) -> Option<String> {
        for _ in 0..READS {
            let at = self.at.load(Acquire);
            let len = (at as u32 as usize).min(Self::BYTES);
            let words = &self.buffer((at >> 32) as u32)[..len.div_ceil(8)];
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect();
            fence(Acquire);
            if self.at.load(Relaxed) == at {
                // Whoever wrote it may have meant harm.
                return (len != 0).then(|| String::from_utf8_lossy(&bytes[..len]).into_owned());
            }
        }
        None
    }

    fn written(&self) -> u32 {
        (self.at.load(Relaxed) >> 32) as u32
    }

    fn buffer(&self, written: u32) -> &[AtomicU64; WORDS] {
        &self.buffers[written as usize % 2]
    }
}
