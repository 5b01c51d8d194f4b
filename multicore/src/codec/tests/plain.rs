//! Plain values, text, and where they lie.

use std::fmt::Debug;

use bytemuck::Pod;
use proptest::prelude::*;

use super::*;
use crate::codec::{decode_plain, decode_plain_vec, encode_plain, payload_plain};
use crate::shm::window::{ALIGNMENT, Payload};

/// A copy of a window at an address that a window could have.
struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn new(window: &[u8]) -> Aligned {
        let mut bytes = vec![0; window.len() + ALIGNMENT];
        let start = bytes.as_ptr().align_offset(ALIGNMENT);
        bytes[start..start + window.len()].copy_from_slice(window);
        Aligned { bytes, start, len: window.len() }
    }

    fn get(&self) -> &[u8] {
        &self.bytes[self.start..][..self.len]
    }
}

/// A text by serde and one as plain bytes, then `values` twice.
fn check<T: Pod + PartialEq + Debug>(text: &str, values: &[T]) {
    let window = Aligned::new(&written(|out| {
        encode(Codec::Bincode, text, out)?;
        encode_plain(Codec::Bincode, text.as_bytes(), out)?;
        encode_plain(Codec::Bincode, values, out)?;
        encode_plain(Codec::Bincode, values, out)
    }));
    let mut input = window.get();
    assert_eq!(decode::<String>(Codec::Bincode, &mut input).unwrap(), text);
    assert_eq!(decode_plain::<u8>(Codec::Bincode, &mut input).unwrap(), text.as_bytes());
    let borrowed: &[T] = decode_plain(Codec::Bincode, &mut input).unwrap();
    assert_eq!(borrowed, values);
    assert!(borrowed.is_empty() || window.get().as_ptr_range().contains(&borrowed.as_ptr().cast()));
    assert_eq!(decode_plain_vec::<T>(Codec::Bincode, &mut input).unwrap(), values);
    assert!(input.is_empty());

    let alone = Aligned::new(&written(|out| encode_plain(Codec::Raw, values, out)));
    assert_eq!(alone.len, size_of_val(values));
    assert_eq!(decode_plain::<T>(Codec::Raw, &mut alone.get()).unwrap(), values);
    assert_eq!(decode_plain_vec::<T>(Codec::Raw, &mut alone.get()).unwrap(), values);
    assert_eq!(payload_plain::<T>(Payload::of(alone.get())).unwrap(), values);
}

proptest! {
    #[test]
    fn plain_values_lie_aligned_after_a_text(text in any::<String>(), bits in any::<Vec<u128>>()) {
        check(&text, &bits);
        check(&text, &bits.iter().map(|v| *v as u64).collect::<Vec<_>>());
        check(&text, &bits.iter().map(|v| *v as u32 as f64).collect::<Vec<_>>());
        check(&text, &bits.iter().map(|v| [*v as u8; 3]).collect::<Vec<_>>());
    }

    #[test]
    fn random_bytes_are_values_or_errors(bytes in any::<Vec<u8>>(), at in 0..ALIGNMENT) {
        let window = Aligned::new(&bytes);
        let from = window.get().get(at..).unwrap_or_default();
        for codec in [Codec::Bincode, Codec::Raw] {
            let _ = decode_plain::<u64>(codec, &mut { from });
            let _ = decode_plain_vec::<u128>(codec, &mut { from });
        }
    }
}

#[test]
fn forged_counts_are_errors() {
    let window = written(|out| encode_plain(Codec::Bincode, &[1u64, 2], out));
    for count in [3, 1 << 40, 1 << 61, (1 << 61) + 2, u64::MAX] {
        let mut forged = Aligned::new(&window);
        forged.bytes[forged.start..][..8].copy_from_slice(&u64::to_le_bytes(count));
        let mut input = forged.get();
        let why = decode_plain::<u64>(Codec::Bincode, &mut input).unwrap_err().to_string();
        assert_eq!(why, format!("cannot decode: {count} values of 8 bytes are announced where 2 fit"));
        assert_eq!(input.len(), window.len());
        assert!(decode_plain_vec::<u64>(Codec::Bincode, &mut input).is_err());
    }
}

#[test]
fn every_truncation_is_an_error() {
    let window = Aligned::new(&written(|out| encode_plain(Codec::Bincode, &[1u64, 2], out)));
    for len in 0..window.len {
        assert!(decode_plain::<u64>(Codec::Bincode, &mut &window.get()[..len]).is_err(), "{len}");
    }
}

#[test]
fn values_without_a_size_are_refused() {
    let why = encode_plain(Codec::Bincode, &[(); 9], &mut WindowWriter::new(&mut Vec::new(), 99));
    assert_eq!(
        why.unwrap_err().to_string(),
        "cannot encode: values without a size cannot travel as plain bytes"
    );
    for codec in [Codec::Bincode, Codec::Raw] {
        assert!(decode_plain::<()>(codec, &mut &[255; 16][..]).is_err());
        assert!(decode_plain_vec::<()>(codec, &mut &[255; 16][..]).is_err());
    }
}

#[test]
fn too_large_says_the_exact_need() {
    let need = written(|out| encode_plain(Codec::Bincode, &[0u64; 100], out)).len() as u64;
    assert_eq!(need, 16 + 800);
    for limit in [0, 8, 16, 815] {
        let failure =
            encode_plain(Codec::Bincode, &[0u64; 100], &mut WindowWriter::new(&mut Vec::new(), limit));
        assert!(matches!(failure, Err(Failure::TooLarge { need: told, .. }) if told == need), "{failure:?}");
    }
    let refused = encode_plain(Codec::Raw, &[1u8], &mut WindowWriter::new(&mut Exhausted, 64));
    assert!(matches!(refused, Err(Failure::Os(_))), "{refused:?}");
}

#[test]
fn half_a_value_is_an_error() {
    let why = payload_plain::<u64>(Payload::of(&[0; 12])).unwrap_err().to_string();
    assert_eq!(why, "cannot decode: 12 bytes are found where a multiple of 8, one value's size, is allowed");
    assert!(decode_plain::<u64>(Codec::Raw, &mut Aligned::new(&[0; 12]).get()).is_err());
}

#[cfg(feature = "json")]
#[test]
fn json_refuses_plain_bytes() {
    let failure = encode_plain(Codec::Json, &[1u8], &mut WindowWriter::new(&mut Vec::new(), 64));
    assert!(matches!(failure, Err(Failure::Encode(why)) if why.starts_with("the json codec carries")));
    assert!(decode_plain::<u8>(Codec::Json, &mut &b"[1]\n"[..]).is_err());
}
