//! Values to bytes and back: the only folder that knows which codec is meant.
//!
//! | codec | one value by [`encode`] | plain values by [`encode_plain`] |
//! |---|---|---|
//! | `Bincode` | bincode 2, fixed-width little-endian integers | u64 count, zeros up to [`ALIGNMENT`], the bytes |
//! | `Json` | JSON text and a newline | not carried: plain values need not be serialisable |
//! | `Raw` | not carried: it has no framing | the bytes alone, all of the payload |
//!
//! Under `Bincode` a large slice that lies in shared data stands as its place there ([`lend_plain`]): a count
//! with its highest bit set, the data's number, and the first byte.
//!
//! Arguments stand one after another, so every framing but `Raw`'s says where it ends. A whole
//! result is one value in the same framing ([`decode_whole`]), or plain bytes without any
//! ([`payload_plain`], written by [`encode_plain`] with `Raw`).
//!
//! What comes back from a worker is not trusted: it is copied out before it is looked at, and every
//! decoder here is bounded in time, memory and stack by the length of what it is given. A panic in
//! the user's own `Serialize` or `Deserialize` passes through: catching it is the caller's.
//!
//! [`ALIGNMENT`]: crate::shm::window::ALIGNMENT

mod bincode;
mod failure;
mod guard;
#[cfg(feature = "json")]
mod json;
mod plain;
mod sink;
#[cfg(test)]
mod tests;

use bytemuck::Pod;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::shared::travel::{self, Borrowed};
use crate::shm::layout::INLINE;
use crate::shm::window::{Payload, WindowWriter};
use crate::sys::memory::in_large_pages;

pub use failure::Failure;

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

impl Codec {
    /// The byte that stands for this codec in a call's header; it never changes its meaning.
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Codec::Bincode => 0,
            #[cfg(feature = "json")]
            Codec::Json => 1,
            Codec::Raw => 2,
        }
    }

    /// The codec that `byte` stands for; `None` for one that this build does not have.
    pub(crate) fn from_byte(byte: u8) -> Option<Codec> {
        match byte {
            0 => Some(Codec::Bincode),
            #[cfg(feature = "json")]
            1 => Some(Codec::Json),
            2 => Some(Codec::Raw),
            _ => None,
        }
    }
}

/// Appends one value by serde.
///
/// # Errors
/// After [`Failure::TooLarge`] the writer goes on counting: a caller who encodes the remaining
/// arguments too gets the need of all of them from the last failure.
pub(crate) fn encode<T: Serialize + ?Sized>(
    codec: Codec,
    value: &T,
    out: &mut WindowWriter<'_>,
) -> Result<(), Failure> {
    match codec {
        Codec::Bincode => bincode::encode(value, out),
        #[cfg(feature = "json")]
        Codec::Json => json::encode(value, out),
        Codec::Raw => Err(Failure::encode(RAW_CARRIES)),
    }
}

/// Takes one value by serde off the front of `input`, which stays as it is on an error.
pub(crate) fn decode<T: DeserializeOwned>(codec: Codec, input: &mut &[u8]) -> Result<T, Failure> {
    match codec {
        Codec::Bincode => bincode::decode(input),
        #[cfg(feature = "json")]
        Codec::Json => json::decode(input),
        Codec::Raw => Err(Failure::decode(RAW_CARRIES)),
    }
}

/// Appends one value by serde, in the default codec, to bytes that go to a file and not to a window.
pub(crate) fn append<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Failure> {
    bincode::append(value, out)
}

/// Reads all of `bytes` as one value that [`append`] wrote.
pub(crate) fn read_appended<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    decode_all(Codec::Bincode, bytes)
}

/// Takes the one value that `payload` holds, by serde; bytes left over are an error.
pub(crate) fn decode_whole<T: DeserializeOwned>(codec: Codec, payload: Payload<'_>) -> Result<T, Failure> {
    if payload.len() <= INLINE {
        let mut short = [0; INLINE];
        let bytes = &mut short[..payload.len()];
        payload.copy_to(0, bytes);
        return decode_all(codec, bytes);
    }
    let bytes: Vec<u8> = payload.to_plain(in_large_pages).ok_or_else(|| no_memory(payload.len()))?;
    decode_all(codec, &bytes)
}

fn decode_all<T: DeserializeOwned>(codec: Codec, bytes: &[u8]) -> Result<T, Failure> {
    let mut input = bytes;
    let value = decode(codec, &mut input)?;
    match input.len() {
        0 => Ok(value),
        over => {
            Err(Failure::decode(format!("{over} of {} bytes are left over after the value", bytes.len())))
        }
    }
}

/// Appends plain values as an argument: aligned, counted, copied (`Raw`: copied alone).
///
/// # Errors
/// As [`encode`]; and for values without a size, whose count nothing could check, and under `Json`.
pub(crate) fn encode_plain<T: Pod>(
    codec: Codec,
    values: &[T],
    out: &mut WindowWriter<'_>,
) -> Result<(), Failure> {
    match codec {
        Codec::Bincode => plain::encode_counted(values, out),
        #[cfg(feature = "json")]
        Codec::Json => Err(Failure::encode(JSON_CARRIES)),
        Codec::Raw => plain::encode_alone(values, out),
    }
}

/// As [`encode_plain`], for an argument by reference: of a large part of shared data, where it is.
///
/// # Errors
/// As [`encode_plain`].
pub(crate) fn lend_plain<T: Pod>(
    codec: Codec,
    values: &[T],
    out: &mut WindowWriter<'_>,
) -> Result<(), Failure> {
    match codec {
        Codec::Bincode => match travel::name_slice(bytemuck::cast_slice(values)) {
            Some((id, place)) => plain::encode_place(values.len(), id, place, out),
            None => plain::encode_counted(values, out),
        },
        _ => encode_plain(codec, values, out),
    }
}

/// Borrows plain values off the front of `input` (`Raw`: all of it).
///
/// The window that `input` is a part of starts at a multiple of [`ALIGNMENT`], so an address says
/// how much padding was written before the values.
///
/// [`ALIGNMENT`]: crate::shm::window::ALIGNMENT
pub(crate) fn decode_plain<'a, T: Pod>(codec: Codec, input: &mut &'a [u8]) -> Result<&'a [T], Failure> {
    plain::borrow(take_plain::<T>(codec, input)?)
}

/// Takes what [`lend_plain`] wrote off the front of `input`: borrowed where it lies, which may be in shared
/// data.
pub(crate) fn borrow_plain<'a, T: Pod>(
    codec: Codec,
    input: &mut &'a [u8],
    shared: &'a Borrowed,
) -> Result<&'a [T], Failure> {
    let place = if codec == Codec::Bincode { plain::take_place::<T>(input)? } else { None };
    let Some(place) = place else { return decode_plain(codec, input) };
    let bytes = shared.slice(place.id, place.bytes).map_err(Failure::Decode)?;
    bytemuck::try_cast_slice(bytes).map_err(|error| Failure::Decode(error.to_string()))
}

/// Copies plain values off the front of `input` (`Raw`: all of it), for an argument by value.
///
/// Padding is found as in [`decode_plain`].
pub(crate) fn decode_plain_vec<T: Pod>(codec: Codec, input: &mut &[u8]) -> Result<Vec<T>, Failure> {
    payload_plain(Payload::of(take_plain::<T>(codec, input)?))
}

/// Copies out a whole result that consists of plain values alone.
pub(crate) fn payload_plain<T: Pod>(payload: Payload<'_>) -> Result<Vec<T>, Failure> {
    let size = size_of::<T>();
    let found = payload.len();
    payload.to_plain(in_large_pages).ok_or_else(|| {
        if size != 0 && found.is_multiple_of(size) {
            return no_memory(found);
        }
        Failure::decode(format!(
            "{found} bytes are found where a multiple of {size}, one value's size, is allowed"
        ))
    })
}

fn no_memory(bytes: usize) -> Failure {
    Failure::decode(format!("there is no memory for a copy of {bytes} bytes"))
}

/// The bytes of the plain values at the front of `input`.
fn take_plain<'a, T: Pod>(codec: Codec, input: &mut &'a [u8]) -> Result<&'a [u8], Failure> {
    match codec {
        Codec::Bincode => plain::take_counted::<T>(input),
        #[cfg(feature = "json")]
        Codec::Json => Err(Failure::decode(JSON_CARRIES)),
        Codec::Raw => Ok(std::mem::take(input)),
    }
}

const RAW_CARRIES: &str =
    "the raw codec carries bytes, text and plain values only, and this type travels by serde";

#[cfg(feature = "json")]
const JSON_CARRIES: &str =
    "the json codec carries serialisable values only, and this type travels as plain bytes";
