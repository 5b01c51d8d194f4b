//! A decoder as an old C library has it: it believes every byte of its input.
//!
//! ```text
//! file  = "OLD1" chunk
//! chunk = '(' chunk ')'                 nested, by recursion
//!       | 'r' count value chunk         a run of `count` pixels
//!       | 'p' offset                    a pixel of the palette, at this distance (8 bytes)
//!       | 'i' path                      the rest of the picture is in another file
//!       | '.'                           the end
//! ```
#![allow(unsafe_code, reason = "the crash that the example survives has to be a real one")]

use std::io;

/// The sum of all pixels.
pub(crate) fn decode(file: &[u8]) -> io::Result<u64> {
    match file.strip_prefix(b"OLD1") {
        Some(chunk) => decode_chunk(chunk),
        None => Err(io::Error::other("this is no such picture")),
    }
}

/// Once for each level of nesting, however many there are.
fn decode_chunk(chunk: &[u8]) -> io::Result<u64> {
    match chunk {
        [b'(', inner @ ..] => Ok(std::hint::black_box(decode_chunk(inner)?) + 1),
        [b'r', count, value, rest @ ..] => Ok(run(*count, *value) + decode_chunk(rest)?),
        [b'p', offset @ ..] => Ok(from_palette(chunk, offset)),
        [b'i', path @ ..] => decode(&std::fs::read(String::from_utf8_lossy(path).as_ref())?),
        _ => Ok(0),
    }
}

/// Counts down to zero, from one at least: the encoder never wrote a run of none.
fn run(mut count: u8, value: u8) -> u64 {
    let mut sum = 0;
    loop {
        sum += std::hint::black_box(u64::from(value));
        count = count.wrapping_sub(2);
        if count == 0 {
            return sum;
        }
    }
}

/// Adds an offset from the file to a pointer, and looks.
fn from_palette(palette: &[u8], offset: &[u8]) -> u64 {
    let offset = offset.first_chunk().map_or(0, |bytes| usize::from_le_bytes(*bytes));
    // SAFETY: none: this is the mistake that such libraries make. A worker process is what it costs.
    unsafe { palette.as_ptr().wrapping_add(offset).read_volatile() }.into()
}
