//! Bytes that say which call they belong to, at the price of a copy.

use std::sync::LazyLock;

/// A sequence of random numbers that a seed fixes.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// The next number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// A size up to `most`, as often between 1 and 2 bytes as between 1 and 2 MiB; sometimes 0.
    pub fn size(&mut self, most: u64) -> usize {
        let bits = u64::from(u64::BITS - most.leading_zeros());
        match self.below(bits + 1) {
            0 => 0,
            bit => (1u64 << (bit - 1)).saturating_add(self.below(1 << (bit - 1))).min(most) as usize,
        }
    }
}

/// The longest payload.
pub const MOST: usize = 4 << 20;
/// How many different payloads of one length there are.
const OFFSETS: u64 = 65_521;

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = Random::new(1);
    (0..(MOST + OFFSETS as usize) / 8 + 1).flat_map(|_| random.number().to_le_bytes()).collect()
});

/// The bytes that belong to this seed.
pub fn bytes(seed: u64, len: usize) -> &'static [u8] {
    let start = (Random::new(seed).number() % OFFSETS) as usize;
    &BYTES[start..start + len]
}

/// Checks that `found` are the bytes of this seed.
///
/// # Panics
/// When they are not: says where they differ.
#[track_caller]
pub fn check(found: &[u8], seed: u64, len: usize) {
    assert_eq!(found.len(), len, "seed {seed}: the length");
    let wanted = bytes(seed, len);
    if found != wanted {
        let at = found.iter().zip(wanted).position(|(found, wanted)| found != wanted);
        panic!("seed {seed}: {len} bytes differ first at {at:?}");
    }
}
