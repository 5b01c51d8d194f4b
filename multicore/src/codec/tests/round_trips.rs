//! Every value comes back as it was.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::codec::decode_whole;
use crate::shm::window::Payload;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Wrapped(pub(super) u16);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Shape {
    Nothing,
    One(i64),
    Pair(String, Option<char>),
    Named { id: u128, parts: Vec<Shape>, table: BTreeMap<String, Wrapped> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Nested {
    pub(super) unit: Unit,
    pub(super) void: (),
    pub(super) voids: Vec<()>,
    pub(super) shapes: Vec<Shape>,
    pub(super) answer: Result<bool, Box<str>>,
    pub(super) deep: Option<Option<u8>>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Nothing),
        any::<i64>().prop_map(Shape::One),
        (any::<String>(), option::of(any::<char>())).prop_map(|(text, sign)| Shape::Pair(text, sign)),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let table = btree_map(any::<String>(), any::<u16>().prop_map(Wrapped), 0..4);
        (any::<u128>(), vec(inner, 0..4), table).prop_map(|(id, parts, table)| Shape::Named {
            id,
            parts,
            table,
        })
    })
}

pub(super) fn nested() -> impl Strategy<Value = Nested> {
    let answer =
        prop_oneof![any::<bool>().prop_map(Ok), any::<String>().prop_map(|text| Err(text.into_boxed_str()))];
    (0..9usize, vec(shape(), 0..4), answer, option::of(any::<u8>())).prop_map(
        |(voids, shapes, answer, deep)| Nested {
            unit: Unit,
            void: (),
            voids: std::vec![(); voids],
            shapes,
            answer,
            // JSON has one null for both: Some(None) comes back as None.
            deep: deep.map(Some),
        },
    )
}

/// `value` through every codec, as one of two arguments and as a whole result.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    for &codec in SERDE {
        let bytes = written(|out| encode(codec, &value, out).and_then(|()| encode(codec, &value, out)));
        let mut input = bytes.as_slice();
        for _ in 0..2 {
            assert_eq!(decode::<T>(codec, &mut input).unwrap(), value, "{codec:?}");
        }
        assert!(input.is_empty(), "{codec:?}");
        let one = bytes_of(codec, &value);
        assert_eq!(decode_whole::<T>(codec, Payload::of(&one)).unwrap(), value, "{codec:?}");
        if !one.is_empty() {
            let over = decode_whole::<T>(codec, Payload::of(&bytes)).unwrap_err().to_string();
            let sentence = format!(
                "cannot decode: {} of {} bytes are left over after the value",
                one.len(),
                bytes.len()
            );
            assert_eq!(over, sentence, "{codec:?}");
        }
    }
}

proptest! {
    #[test]
    fn nested_values_come_back(value in nested()) {
        check(value);
    }

    #[test]
    fn integers_come_back(
        a in any::<(u8, u16, u32, u64, u128, usize)>(),
        b in any::<(i8, i16, i32, i64, i128, isize)>(),
    ) {
        check((a, b));
    }

    #[test]
    fn other_values_come_back(
        a in any::<(bool, char, String, Option<i32>, Vec<u8>)>(),
        map in btree_map(any::<i32>(), any::<String>(), 0..9),
        time in any::<Duration>(),
    ) {
        check((a, map, time, [(); 3], ((1, 2), Some(()).is_some())));
    }

    #[test]
    fn every_bit_of_a_float_comes_back(single in any::<u32>(), double in any::<u64>()) {
        let value = (f32::from_bits(single), f64::from_bits(double));
        let back: (f32, f64) = value_of(Codec::Bincode, &bytes_of(Codec::Bincode, &value)).unwrap();
        prop_assert_eq!((back.0.to_bits(), back.1.to_bits()), (single, double));
    }

    #[test]
    fn the_format_is_bincodes_own(value in nested()) {
        let config = ::bincode::config::standard().with_fixed_int_encoding();
        prop_assert_eq!(bytes_of(Codec::Bincode, &value), ::bincode::serde::encode_to_vec(&value, config).unwrap());
    }

    #[test]
    fn every_truncation_is_an_error(value in nested()) {
        for &codec in SERDE {
            let bytes = bytes_of(codec, &value);
            for len in 0..bytes.len() {
                prop_assert!(value_of::<Nested>(codec, &bytes[..len]).is_err(), "{:?} at {}", codec, len);
            }
        }
    }
}

#[test]
fn values_without_bytes_come_back() {
    check(());
    check(Unit);
    check(std::vec![(); 1000]);
    check(HashMap::<String, ()>::new());
    check(Some(None::<u8>).map(|_| 1));
}

#[test]
fn nan_comes_back_with_its_bits() {
    for bits in [0x7fc0_0001u32, 0xffc0_0000, 0x7f80_0001] {
        let back: f32 = value_of(Codec::Bincode, &bytes_of(Codec::Bincode, &f32::from_bits(bits))).unwrap();
        assert_eq!(back.to_bits(), bits);
    }
}

#[test]
fn a_failed_decode_leaves_the_input() {
    for &codec in SERDE {
        let bytes = bytes_of(codec, "text");
        let mut input = &bytes[..bytes.len() - 1];
        assert!(decode::<String>(codec, &mut input).is_err());
        assert_eq!(input.len(), bytes.len() - 1);
    }
}

#[cfg(feature = "json")]
#[test]
fn json_is_plain_text_with_a_newline() {
    assert_eq!(bytes_of(Codec::Json, &(1, "a\nb")), b"[1,\"a\\nb\"]\n");
}
