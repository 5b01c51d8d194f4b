//! What every codec keeps, and what it refuses.

mod hostile;
mod plain;
mod round_trips;

use std::io;
use std::ptr::NonNull;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, Failure, decode, encode};
use crate::shm::window::{Store, WindowWriter};

/// The codecs that carry serde values in this build.
const SERDE: &[Codec] = &[
    Codec::Bincode,
    #[cfg(feature = "json")]
    Codec::Json,
];

/// The bytes that `write` puts into a window without a limit.
fn written(write: impl FnOnce(&mut WindowWriter<'_>) -> Result<(), Failure>) -> Vec<u8> {
    let mut store = Vec::new();
    let mut out = WindowWriter::new(&mut store, usize::MAX);
    write(&mut out).expect("a window without a limit takes it");
    let len = out.needed();
    store.truncate(len);
    store
}

fn bytes_of<T: Serialize + ?Sized>(codec: Codec, value: &T) -> Vec<u8> {
    written(|out| encode(codec, value, out))
}

/// Decodes all of `bytes`; the error as it is displayed.
fn value_of<T: DeserializeOwned>(codec: Codec, mut bytes: &[u8]) -> Result<T, String> {
    decode(codec, &mut bytes).map_err(|failure| failure.to_string())
}

/// A kernel that never has memory.
struct Exhausted;

impl Store for Exhausted {
    fn provide(&mut self, _need: usize) -> io::Result<(NonNull<u8>, usize)> {
        Err(io::ErrorKind::OutOfMemory.into())
    }
}

#[test]
fn every_codec_has_its_own_byte() {
    let known: Vec<(u8, Codec)> =
        (0..=u8::MAX).filter_map(|byte| Some((byte, Codec::from_byte(byte)?))).collect();
    assert!(known.iter().all(|(byte, codec)| codec.to_byte() == *byte), "{known:?}");
    assert_eq!(known.len(), SERDE.len() + 1);
    assert_eq!(Codec::from_byte(1).is_some(), cfg!(feature = "json"));
}

#[test]
fn failures_read_as_one_clause() {
    let check = |failure: Failure, sentence: &str| assert_eq!(failure.to_string(), sentence);
    check(Failure::encode("why"), "cannot encode: why");
    check(Failure::decode("why"), "cannot decode: why");
    check(Failure::TooLarge { need: 9, limit: 8 }, "9 bytes are needed where 8 are allowed");
    check(Failure::Os(io::ErrorKind::OutOfMemory.into()), "the kernel has no memory for the window");
}

#[test]
fn too_large_says_the_exact_need_of_all_values() {
    let first: Vec<String> = (0..100).map(|i| i.to_string().repeat(i)).collect();
    let second = [7u64; 50];
    for &codec in SERDE {
        let need =
            written(|out| encode(codec, &first, out).and_then(|()| encode(codec, &second[..], out))).len();
        for limit in [0, 1, 8, 100, need / 2, need - 1, need] {
            let mut store = Vec::new();
            let mut out = WindowWriter::new(&mut store, limit);
            let _ = encode(codec, &first, &mut out);
            match encode(codec, &second[..], &mut out) {
                Ok(()) => assert_eq!(limit, need),
                Err(Failure::TooLarge { need: told, limit: allowed }) => {
                    assert_eq!((told, allowed), (need as u64, limit as u64), "{codec:?}");
                }
                Err(other) => panic!("{codec:?}: {other}"),
            }
        }
    }
}

#[test]
fn the_kernels_refusal_is_told_apart() {
    for &codec in SERDE {
        let failure = encode(codec, "text", &mut WindowWriter::new(&mut Exhausted, usize::MAX));
        assert!(matches!(failure, Err(Failure::Os(_))), "{codec:?}: {failure:?}");
    }
}

#[test]
fn an_error_of_the_value_is_told_even_past_the_limit() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("broken on purpose"))
        }
    }
    for &codec in SERDE {
        let failure = encode(codec, &("long", Broken), &mut WindowWriter::new(&mut Vec::new(), 1));
        assert_eq!(failure.unwrap_err().to_string(), "cannot encode: broken on purpose", "{codec:?}");
    }
}

#[test]
fn raw_refuses_serde_values() {
    let failure = encode(Codec::Raw, &1, &mut WindowWriter::new(&mut Vec::new(), 64)).unwrap_err();
    assert!(matches!(&failure, Failure::Encode(why) if why.starts_with("the raw codec carries bytes")));
    assert!(value_of::<u8>(Codec::Raw, &[1]).unwrap_err().contains("the raw codec carries bytes"));
}
