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

    /// Whether it says this already, as far as it would be kept. For whoever writes it.
    #[inline]
    pub(crate) fn says(&self, text: &str) -> bool {
        let at = self.at.load(Relaxed);
        let kept = at as u32 as usize;
        // Longer texts are cut somewhere near: written anew, they say the same.
        kept == text.len()
            && kept <= Self::BYTES
            && self.buffer((at >> 32) as u32).iter().zip(text.as_bytes().chunks(8)).all(|(word, bytes)| {
                let mut filled = [0; 8];
                filled[..bytes.len()].copy_from_slice(bytes);
                word.load(Relaxed) == u64::from_le_bytes(filled)
            })
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
            let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect();
            fence(Acquire);
            if self.at.load(Relaxed) == at {
                bytes.truncate(len);
                return (len != 0).then(|| text(bytes));
            }
        }
        None
    }

    /// Says what `other` says, whoever writes that one; `seen` remembers how far it was followed. The text
    /// passes through no other memory of this process.
    pub(crate) fn follow(&self, other: &Note<WORDS>, seen: &mut u64) {
        for _ in 0..READS {
            let at = other.at.load(Acquire);
            if at == *seen {
                return;
            }
            let written = self.written().wrapping_add(1);
            // As in `set`.
            fence(Release);
            for (word, theirs) in self.buffer(written).iter().zip(other.buffer((at >> 32) as u32)) {
                word.store(theirs.load(Relaxed), Relaxed);
            }
            fence(Acquire);
            if other.at.load(Relaxed) == at {
                let len = (at as u32 as usize).min(Self::BYTES);
                self.at.store(u64::from(written) << 32 | len as u64, Release);
                *seen = at;
                return;
            }
        }
    }

    fn written(&self) -> u32 {
        (self.at.load(Relaxed) >> 32) as u32
    }

    fn buffer(&self, written: u32) -> &[AtomicU64; WORDS] {
        &self.buffers[written as usize % 2]
    }
}

/// Whoever wrote it may have meant harm.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        wipe(error.into_bytes());
        text
    })
}

/// Leaves nothing of it on the heap, which workers that are forked later get a copy of.
pub(crate) fn wipe(text: impl Into<Vec<u8>>) {
    let mut bytes = text.into();
    bytes.fill(0);
    std::hint::black_box(&bytes);
}
