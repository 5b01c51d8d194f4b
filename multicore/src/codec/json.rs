//! JSON text: readable in a dump of the region, and for types that describe themselves.
//!
//! Each value is followed by a newline. It separates arguments (`1` and `2` would otherwise read as
//! `12`) without a length in front, so the text goes straight into the window. `serde_json` counts
//! brackets by itself, but not what nests without one: hence the guard here too.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny};

use super::Failure;
use super::guard::Guard;
use super::sink::Sink;
use crate::shm::window::WindowWriter;

const SEPARATOR: u8 = b'\n';

/// Appends the text of `value` and the separator.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T, out: &mut WindowWriter<'_>) -> Result<(), Failure> {
    let mut sink = Sink::new(out);
    let encoded = sink.staged(|stage| -> Result<(), String> {
        serde_json::to_writer(&mut *stage, value).map_err(|error| error.to_string())?;
        Ok(stage.put(&[SEPARATOR])?)
    });
    sink.finish(encoded)
}

/// Takes one value and its separator off the front of `input`.
pub(super) fn decode<T: DeserializeOwned>(input: &mut &[u8]) -> Result<T, Failure> {
    let guard = Guard::new(input.len());
    let mut text = serde_json::Deserializer::from_slice(input);
    let value = guard.watch(PhantomData::<T>).deserialize(&mut text);
    let value = value.map_err(|error| Failure::decode(error.to_string()))?;
    // The only way to ask a deserialiser where it stands.
    let rest = &input[text.into_iter::<IgnoredAny>().byte_offset()..];
    *input = rest
        .strip_prefix(&[SEPARATOR])
        .ok_or_else(|| Failure::decode("the newline after the JSON value is missing"))?;
    Ok(value)
}
