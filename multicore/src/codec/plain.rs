//! Plain-old-data at memcpy speed: no value is looked at on its own.

use std::ops::Range;

use bytemuck::Pod;

use super::Failure;
use super::sink::{Refused, Sink};
use crate::shm::window::{ALIGNMENT, WindowWriter};

/// Bytes of the count that stands before plain values.
const COUNT: usize = size_of::<u64>();

/// Appends the count, zeros up to [`ALIGNMENT`] from the window's start, and the values' bytes.
pub(super) fn encode_counted<T: Pod>(values: &[T], out: &mut WindowWriter<'_>) -> Result<(), Failure> {
    let bytes = bytes_of(values)?;
    let count = values.len() as u64;
    let mut sink = Sink::new(out);
    let mut put_all = || -> Result<(), Refused> {
        sink.put(&count.to_le_bytes())?;
        sink.align()?;
        sink.put(bytes)
    };
    let written = put_all();
    sink.finish(written.map_err(String::from))
}

/// Appends the values' bytes alone.
pub(super) fn encode_alone<T: Pod>(values: &[T], out: &mut WindowWriter<'_>) -> Result<(), Failure> {
    let bytes = bytes_of(values)?;
    let mut sink = Sink::new(out);
    let written = sink.put(bytes);
    sink.finish(written.map_err(String::from))
}

/// Bytes of shared data.
pub(super) struct Place {
    pub(super) id: u64,
    pub(super) bytes: Range<u64>,
}

/// Set in a count of values that do not stand behind it.
const ELSEWHERE: u64 = 1 << 63;

/// Appends where `count` values stand in shared data: from byte `start` of number `id`.
pub(super) fn encode_place(
    count: usize,
    id: u64,
    start: usize,
    out: &mut WindowWriter<'_>,
) -> Result<(), Failure> {
    let words = [count as u64 | ELSEWHERE, id, start as u64];
    let mut sink = Sink::new(out);
    let written = words.iter().try_for_each(|word| sink.put(&word.to_le_bytes()));
    sink.finish(written.map_err(String::from))
}

/// Takes what [`encode_place`] wrote off the front of `input`, if that is what stands there.
pub(super) fn take_place<T: Pod>(input: &mut &[u8]) -> Result<Option<Place>, Failure> {
    let Some((count, rest)) = input.split_first_chunk::<COUNT>() else { return Ok(None) };
    let count = u64::from_le_bytes(*count);
    if count & ELSEWHERE == 0 {
        return Ok(None);
    }
    let no_place = || Failure::decode("the place of a slice in shared data is none");
    let (id, rest) = rest.split_first_chunk::<COUNT>().ok_or_else(no_place)?;
    let (start, rest) = rest.split_first_chunk::<COUNT>().ok_or_else(no_place)?;
    let start = u64::from_le_bytes(*start);
    let len = (count & !ELSEWHERE).checked_mul(size_of::<T>() as u64).ok_or_else(no_place)?;
    let end = start.checked_add(len).ok_or_else(no_place)?;
    *input = rest;
    Ok(Some(Place { id: u64::from_le_bytes(*id), bytes: start..end }))
}

/// Takes what [`encode_counted`] wrote off the front of `input`: the values' bytes.
///
/// The padding follows from the address of `input`. This holds because every window starts at a
/// multiple of [`ALIGNMENT`] in every process that maps it: a page's start, or a buffer made so. A
/// copy of a window has to start at such an address too.
pub(super) fn take_counted<'a, T: Pod>(input: &mut &'a [u8]) -> Result<&'a [u8], Failure> {
    let size = size_of::<T>() as u64;
    let (count, rest) = input.split_first_chunk::<COUNT>().ok_or_else(|| {
        Failure::decode(format!("{} bytes are found where a count of {COUNT} bytes is needed", input.len()))
    })?;
    let count = u64::from_le_bytes(*count);
    let padding = rest.as_ptr().addr().wrapping_neg() % ALIGNMENT;
    let rest = rest.get(padding..).unwrap_or_default();
    let fits = (rest.len() as u64).checked_div(size).ok_or_else(|| Failure::decode(NO_SIZE))?;
    if count > fits {
        return Err(Failure::decode(format!(
            "{count} values of {size} bytes are announced where {fits} fit"
        )));
    }
    // count * size <= rest.len(), so neither overflows nor is out of bounds.
    let (bytes, rest) = rest.split_at((count * size) as usize);
    *input = rest;
    Ok(bytes)
}

/// The values that `bytes` are, where they lie.
pub(super) fn borrow<T: Pod>(bytes: &[u8]) -> Result<&[T], Failure> {
    if align_of::<T>() > ALIGNMENT {
        // Its address would fit now and then: an error that comes and goes is worse than none.
        return Err(Failure::decode(format!(
            "values aligned to {} bytes cannot be borrowed from a window, which allows {ALIGNMENT}",
            align_of::<T>()
        )));
    }
    if size_of::<T>() == 0 {
        return Err(Failure::decode(NO_SIZE));
    }
    bytemuck::try_cast_slice(bytes).map_err(|error| {
        Failure::decode(format!(
            "{} bytes are no slice of {}-byte values: {error}",
            bytes.len(),
            size_of::<T>()
        ))
    })
}

fn bytes_of<T: Pod>(values: &[T]) -> Result<&[u8], Failure> {
    if size_of::<T>() == 0 { Err(Failure::encode(NO_SIZE)) } else { Ok(bytemuck::cast_slice(values)) }
}

/// A count of such values is a number that no byte vouches for.
const NO_SIZE: &str = "values without a size cannot travel as plain bytes";
