//! The default codec: bincode 2 by serde, little-endian integers of fixed width.
//!
//! bincode 2 is complete and no longer maintained; nothing outside this file, its guard and the supervisor's own
//! messages (`processes/control.rs`) names it.

use std::marker::PhantomData;

use ::bincode::config::{Configuration, Fixint, LittleEndian};
use ::bincode::enc::write::Writer;
use ::bincode::error::{DecodeError, EncodeError};
use ::bincode::serde::{DecodeError as SerdeDecode, EncodeError as SerdeEncode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;
use super::guard::Guard;
use super::sink::{Sink, Stage};
use crate::shm::window::WindowWriter;

/// Without bincode's own limit: it is a constant of the type, and on the serde path it bounds neither
/// the length of a sequence nor the depth. The guard does, by the bytes that are there.
const CONFIG: Configuration<LittleEndian, Fixint> = ::bincode::config::standard().with_fixed_int_encoding();

/// Appends one value.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T, out: &mut WindowWriter<'_>) -> Result<(), Failure> {
    let mut sink = Sink::new(out);
    let encoded = sink
        .staged(|stage| ::bincode::serde::encode_into_writer(value, stage, CONFIG).map_err(why_not_encoded));
    sink.finish(encoded)
}

/// Appends one value to bytes of this process's own.
pub(super) fn append<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Failure> {
    struct Heap<'v>(&'v mut Vec<u8>);
    impl Writer for Heap<'_> {
        #[inline]
        fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
    }
    ::bincode::serde::encode_into_writer(value, Heap(out), CONFIG)
        .map_err(|error| Failure::Encode(why_not_encoded(error)))
}

/// Takes one value off the front of `input`.
pub(super) fn decode<T: DeserializeOwned>(input: &mut &[u8]) -> Result<T, Failure> {
    let guard = Guard::new(input.len());
    let seed = guard.watch(PhantomData::<T>);
    let (value, used) = ::bincode::serde::seed_decode_from_slice(seed, input, CONFIG)
        .map_err(|error| Failure::Decode(why_not_decoded(error)))?;
    *input = &input[used..];
    Ok(value)
}

impl Writer for Stage<'_, '_, '_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.put(bytes).map_err(|_| EncodeError::UnexpectedEnd)
    }
}

/// bincode's errors display as Rust source; this says the same as a clause.
#[cold]
fn why_not_encoded(error: EncodeError) -> String {
    match error {
        EncodeError::OtherString(why) => why,
        EncodeError::Other(why) => why.into(),
        EncodeError::Serde(SerdeEncode::SequenceMustHaveLength) => {
            "a sequence or map of unknown length is found (`#[serde(flatten)]` makes one) where bincode allows a known one only; `codec = \"json\"` takes it".into()
        }
        other => format!("bincode reports {other:?}"),
    }
}

#[cold]
fn why_not_decoded(error: DecodeError) -> String {
    match error {
        DecodeError::OtherString(why) => why,
        DecodeError::Other(why) => why.into(),
        DecodeError::UnexpectedEnd { additional } => {
            format!("the bytes end where at least {additional} more are needed")
        }
        DecodeError::Utf8 { inner } => {
            format!("text is no UTF-8 from its byte {} on", inner.valid_up_to())
        }
        DecodeError::InvalidBooleanValue(found) => format!("{found} is found where a bool, 0 or 1, is allowed"),
        DecodeError::InvalidCharEncoding(found) => format!("{found:02x?} is found where a char is allowed"),
        DecodeError::UnexpectedVariant { type_name, found, .. } => {
            format!("{found} is found where the tag of an {type_name}, 0 or 1, is allowed")
        }
        DecodeError::Serde(
            SerdeDecode::AnyNotSupported | SerdeDecode::IgnoredAnyNotSupported | SerdeDecode::IdentifierNotSupported,
        ) => "the type asks the bytes what comes next (`#[serde(untagged, flatten, tag)]` do), which bincode does not store; `codec = \"json\"` does".into(),
        other => format!("bincode reports {other:?}"),
    }
}
