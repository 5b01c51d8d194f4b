//! Bytes from a worker that lies: an error, soon, in little memory and stack.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::round_trips::{Nested, Shape};
use super::*;
use crate::codec::guard::{DEPTH, FREE, HINT};

#[derive(Debug, Serialize, Deserialize)]
struct Node(Option<Box<Node>>);

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Fork(Vec<Tree>),
    Next(Box<Tree>),
    Twin(Box<Tree>, Box<Tree>),
}

/// Runs `test` on a stack that the deepest allowed value fits in several times over even without
/// optimisation, and the shallowest bomb does not; fails when it does not end.
fn bounded(test: impl FnOnce() + Send + 'static) {
    let begin = Instant::now();
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(test).expect("a thread starts");
    while !thread.is_finished() {
        assert!(begin.elapsed() < Duration::from_secs(60), "decoding does not end");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    thread.join().expect("the test passes");
}

const STACK: usize = 1 << 20;
const TOO_DEEP: &str = "values nest deeper than the 128 levels that are allowed";

fn refuses<T: DeserializeOwned + fmt::Debug>(codec: Codec, bytes: &[u8], why: &str) {
    let found = value_of::<T>(codec, bytes).unwrap_err();
    assert!(found.contains(why), "{found}");
}

#[test]
fn nested_boxes_do_not_overflow_the_stack() {
    bounded(|| {
        refuses::<Node>(Codec::Bincode, &vec![1; 16 << 20], TOO_DEEP);
        refuses::<Tree>(Codec::Bincode, &2u32.to_le_bytes().repeat(4 << 20), TOO_DEEP);
        refuses::<Tree>(Codec::Bincode, &3u32.to_le_bytes().repeat(4 << 20), TOO_DEEP);
        let forks = [&1u32.to_le_bytes()[..], &1u64.to_le_bytes()].concat();
        refuses::<Tree>(Codec::Bincode, &forks.repeat(1 << 20), TOO_DEEP);
    });
}

#[test]
fn values_as_deep_as_allowed_come_back() {
    bounded(|| {
        let tree = |depth| (1..depth).fold(Tree::Leaf, |tree, _| Tree::Next(Box::new(tree)));
        let allowed = bytes_of(Codec::Bincode, &tree(usize::from(DEPTH)));
        value_of::<Tree>(Codec::Bincode, &allowed).unwrap();
        let deeper = bytes_of(Codec::Bincode, &tree(usize::from(DEPTH) + 1));
        refuses::<Tree>(Codec::Bincode, &deeper, TOO_DEEP);
    });
}

#[cfg(feature = "json")]
#[test]
fn nested_json_does_not_overflow_the_stack() {
    bounded(|| {
        // No bracket to count: each option and newtype reads the same digit again.
        refuses::<Node>(Codec::Json, b"5\n", TOO_DEEP);
        refuses::<Vec<Node>>(Codec::Json, b"[5]\n", TOO_DEEP);
        refuses::<Tree>(Codec::Json, &b"{\"Next\":".repeat(1 << 20), "recursion limit");
        refuses::<serde_json::Value>(Codec::Json, &vec![b'['; 16 << 20], "recursion limit");
    });
}

#[test]
fn elements_without_bytes_are_counted() {
    bounded(|| {
        let announce = |len: u64| len.to_le_bytes();
        let allowed = FREE as u64 + 8;
        assert_eq!(value_of::<Vec<()>>(Codec::Bincode, &announce(allowed)).unwrap().len() as u64, allowed);
        let why = format!("{} elements are announced where {allowed} are allowed", allowed + 1);
        refuses::<Vec<()>>(Codec::Bincode, &announce(allowed + 1), &why);
        for len in [1 << 40, u64::MAX] {
            refuses::<Vec<()>>(Codec::Bincode, &announce(len), "elements are announced");
            refuses::<HashSet<()>>(Codec::Bincode, &announce(len), "elements are announced");
            refuses::<BTreeMap<(), ()>>(Codec::Bincode, &announce(len), "elements are announced");
            refuses::<Vec<PhantomData<u8>>>(Codec::Bincode, &announce(len), "elements are announced");
        }
        // Each part within the bound, together beyond it.
        let parts = [&announce(2)[..], &announce(FREE as u64), &announce(FREE as u64)].concat();
        refuses::<Vec<Vec<()>>>(Codec::Bincode, &parts, "elements are announced");
    });
}

#[test]
fn forged_lengths_are_errors_before_memory_is_taken() {
    for len in [9, 1 << 20, 1 << 40, i64::MAX as u64, u64::MAX] {
        let mut bytes = len.to_le_bytes().to_vec();
        bytes.extend([1; 8]);
        refuses::<String>(Codec::Bincode, &bytes, "the bytes end where");
        refuses::<Box<str>>(Codec::Bincode, &bytes, "the bytes end where");
        refuses::<Bytes>(Codec::Bincode, &bytes, "the bytes end where");
        refuses::<Vec<u8>>(Codec::Bincode, &bytes, "");
        refuses::<Vec<[u64; 32]>>(Codec::Bincode, &bytes, "");
        refuses::<HashMap<u64, String>>(Codec::Bincode, &bytes, "");
        refuses::<BTreeMap<u8, Vec<u8>>>(Codec::Bincode, &bytes, "");
        refuses::<Nested>(Codec::Bincode, &bytes, "");
    }
}

/// Asks for bytes of its own, as `serde_bytes` does.
#[derive(Debug)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Own;
        impl Visitor<'_> for Own {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Own)
    }
}

#[test]
fn bytes_come_back_owned() {
    let bytes = bytes_of(Codec::Bincode, &vec![1u8, 2, 3]);
    assert_eq!(value_of::<Bytes>(Codec::Bincode, &bytes).unwrap().0, [1, 2, 3]);
}

/// Sees the hint that a visitor gets which reserves what it is told.
#[derive(Debug)]
struct Hint(Option<usize>);

impl<'de> Deserialize<'de> for Hint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Hint;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Hint, A::Error> {
                Ok(Hint(access.size_hint()))
            }
        }
        deserializer.deserialize_seq(Look)
    }
}

#[test]
fn hints_are_never_longer_than_the_payload() {
    let check = |len: u64, more: usize, hint: usize| {
        let mut bytes = len.to_le_bytes().to_vec();
        bytes.resize(8 + more, 0);
        assert_eq!(value_of::<Hint>(Codec::Bincode, &bytes).unwrap().0, Some(hint));
    };
    check(5, 5, 5);
    check(1 << 20, 5, 13);
    check(1 << 20, 1 << 20, HINT);
}

#[cfg(feature = "json")]
#[test]
fn types_that_ask_what_comes_next_need_json() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    let value = vec![Either::Number(1), Either::Text("two".into())];
    refuses::<Vec<Either>>(Codec::Bincode, &bytes_of(Codec::Bincode, &value), "`codec = \"json\"` does");
    assert_eq!(value_of::<Vec<Either>>(Codec::Json, &bytes_of(Codec::Json, &value)).unwrap(), value);
    assert_eq!(value_of::<Bytes2>(Codec::Json, b"[1,2]\n").unwrap().0, [1, 2]);
}

/// Bytes that JSON writes as a sequence.
#[cfg(feature = "json")]
#[derive(Debug)]
struct Bytes2(Vec<u8>);

#[cfg(feature = "json")]
impl<'de> Deserialize<'de> for Bytes2 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Own;
        impl<'de> Visitor<'de> for Own {
            type Value = Bytes2;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Bytes2, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = access.next_element()? {
                    bytes.push(byte);
                }
                Ok(Bytes2(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Own)
    }
}

proptest! {
    #[test]
    fn random_bytes_decode_or_are_errors(bytes in any::<Vec<u8>>()) {
        every_type(&bytes);
    }

    #[test]
    fn small_numbers_decode_or_are_errors(words in proptest::collection::vec(0u32..6, 0..400)) {
        // Most random bytes fail at the first length; these get further in.
        every_type(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>());
    }
}

fn every_type(bytes: &[u8]) {
    for &codec in SERDE {
        let _ = value_of::<Nested>(codec, bytes);
        let _ = value_of::<Shape>(codec, bytes);
        let _ = value_of::<Tree>(codec, bytes);
        let _ = value_of::<Node>(codec, bytes);
        let _ = value_of::<Vec<String>>(codec, bytes);
        let _ = value_of::<Vec<()>>(codec, bytes);
        let _ = value_of::<HashMap<u32, Vec<Option<char>>>>(codec, bytes);
        let _ = value_of::<(u8, i128, bool, f32, Box<[u64]>)>(codec, bytes);
    }
}
