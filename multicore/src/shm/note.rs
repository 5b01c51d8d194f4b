//! A short text in shared memory that outlives the process that wrote it.
//!
//! Two buffers and one word that says which of them counts, and how much of it. A writer fills the
//! other buffer and then moves the word, so one that dies in the middle leaves the text before. One
//! process writes; anybody may read.
//!
//! Orderings: each store releases and each load acquires, so who reads a byte of a later text sees, with it, that the
//! word has moved.

use std::sync::atomic::AtomicU64;

use super::latch::Register64;

/// Text of up to `8 * WORDS` bytes.
#[repr(C)]
pub(crate) struct Note<const WORDS: usize, A = AtomicU64> {
    /// How often it was written, in the upper half; the bytes that count in the lower.
    at: A,
    buffers: [[A; WORDS]; 2],
}

/// How often a reader tries again whose text was written over meanwhile.
const READS: u32 = 8;

impl<const WORDS: usize, A: Register64> Note<WORDS, A> {
    const BYTES: usize = 8 * WORDS;

    #[cfg(all(test, loom))]
    pub(crate) fn of(number: impl Fn() -> A) -> Note<WORDS, A> {
        let buffer = || std::array::from_fn(|_| number());
        Note { at: number(), buffers: [buffer(), buffer()] }
    }

    /// Keeps the front of `text`. Async-signal-safe.
    pub(crate) fn set(&self, text: &str) {
        let mut end = text.len().min(Self::BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let written = self.written().wrapping_add(1);
        for (word, bytes) in self.buffer(written).iter().zip(text.as_bytes()[..end].chunks(8)) {
            word.set(word_of(bytes));
        }
        self.at.set(u64::from(written) << 32 | end as u64);
    }

    /// Whether it says this already, as far as it would be kept. For whoever writes it.
    #[inline]
    pub(crate) fn says(&self, text: &str) -> bool {
        let at = self.at.get();
        let kept = at as u32 as usize;
        // Longer texts are cut somewhere near: written anew, they say the same.
        kept == text.len()
            && kept <= Self::BYTES
            && self
                .buffer((at >> 32) as u32)
                .iter()
                .zip(text.as_bytes().chunks(8))
                .all(|(word, bytes)| word.get() == word_of(bytes))
    }

    /// Forgets the text. Costs one store where there is one.
    #[inline]
    pub(crate) fn clear(&self) {
        let at = self.at.get();
        if at as u32 != 0 {
            self.at.set(at & !0xffff_ffff);
        }
    }

    /// The text, if there is one. A reader that the writer overtakes again and again gets none.
    pub(crate) fn get(&self) -> Option<String> {
        (0..READS).find_map(|_| {
            let at = self.now();
            self.read(at, || self.now() == at)
        })?
    }

    /// Which text it says now: a number that no other text of it has had, nor will for long.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.at.get()
    }

    /// The text of this number, if there is one, as long as it was `whole` once it was read: it is while no later text
    /// but the next was begun.
    pub(crate) fn read(&self, at: u64, whole: impl FnOnce() -> bool) -> Option<Option<String>> {
        let len = Self::len(at);
        let words = &self.buffer((at >> 32) as u32)[..len.div_ceil(8)];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.get().to_le_bytes()).collect();
        if !whole() {
            wipe(bytes);
            return None;
        }
        bytes.truncate(len);
        Some((len != 0).then(|| text(bytes)))
    }

    /// Says what `other` says, whoever writes that one; `seen` remembers how far it was followed. The text
    /// passes through no other memory of this process.
    pub(crate) fn follow(&self, other: &Note<WORDS, A>, seen: &mut u64) {
        for _ in 0..READS {
            let at = other.now();
            if at == *seen || self.copy(other, at, || other.now() == at) {
                *seen = at;
                return;
            }
        }
    }

    /// Says what the text of this number says there, if it was `whole` once it was copied; whether it was.
    pub(crate) fn copy(&self, other: &Note<WORDS, A>, at: u64, whole: impl FnOnce() -> bool) -> bool {
        let (written, len) = (self.written().wrapping_add(1), Self::len(at));
        let theirs = &other.buffer((at >> 32) as u32)[..len.div_ceil(8)];
        for (word, theirs) in self.buffer(written).iter().zip(theirs) {
            word.set(theirs.get());
        }
        let whole = whole();
        if whole {
            self.at.set(u64::from(written) << 32 | len as u64);
        }
        whole
    }

    /// Of the text of this number, whoever wrote it.
    fn len(at: u64) -> usize {
        (at as u32 as usize).min(Self::BYTES)
    }

    fn written(&self) -> u32 {
        (self.at.get() >> 32) as u32
    }

    fn buffer(&self, written: u32) -> &[A; WORDS] {
        &self.buffers[written as usize % 2]
    }
}

/// Up to eight bytes.
#[inline]
fn word_of(bytes: &[u8]) -> u64 {
    let mut filled = [0; 8];
    filled[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(filled)
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
