//! Values to bytes and back: the only file that knows which codec is meant.

use bytemuck::Pod;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::shm::window::{Payload, WindowWriter, WriteError};

/// How arguments and results become bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// `bincode` with fixed-width integers; bytes, text and plain-old-data at memcpy speed.
    #[default]
    Bincode,
    /// JSON text (feature `json`).
    #[cfg(feature = "json")]
    Json,
    /// No framing at all: one argument and one result, each bytes, text or plain-old-data.
    Raw,
}

/// Why arguments or a result did not travel.
#[derive(Debug)]
pub enum Failure {
    /// The value does not encode.
    Encode(String),
    /// The bytes do not decode.
    Decode(String),
    /// The window's limit is smaller than the payload.
    TooLarge {
        /// Bytes needed.
        need: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The kernel had no memory for the window.
    Os(std::io::Error),
}

/// Appends one value by serde.
pub(crate) fn encode<T: Serialize + ?Sized>(codec: Codec, value: &T, out: &mut WindowWriter<'_>) -> Result<(), Failure> {
    let _ = (codec, value, out);
    todo!()
}

/// Takes one value by serde off the front of `input`.
pub(crate) fn decode<T: DeserializeOwned>(codec: Codec, input: &mut &[u8]) -> Result<T, Failure> {
    let _ = (codec, input);
    todo!()
}

/// Takes the one value that `payload` holds, by serde; bytes left over are an error.
pub(crate) fn decode_whole<T: DeserializeOwned>(codec: Codec, payload: Payload<'_>) -> Result<T, Failure> {
    let _ = (codec, payload);
    todo!()
}

/// Appends plain values as an argument: aligned, counted, copied (`Raw`: copied alone).
pub(crate) fn encode_plain<T: Pod>(codec: Codec, values: &[T], out: &mut WindowWriter<'_>) -> Result<(), Failure> {
    let _ = (codec, values, out, WriteError::Full);
    todo!()
}

/// Borrows plain values off the front of `input` (`Raw`: all of it).
pub(crate) fn decode_plain<'a, T: Pod>(codec: Codec, input: &mut &'a [u8]) -> Result<&'a [T], Failure> {
    let _ = (codec, input);
    todo!()
}
