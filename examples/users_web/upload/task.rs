//! The work of an upload, in workers that can reach nothing.

use std::io::{self, Cursor};
use std::time::Duration;

use image::{ImageFormat, ImageReader};
use multicore::{Pool, Sandbox};
use serde::{Deserialize, Serialize};

// The decoder of `untrusted.rs`, which believes every byte of a file.
#[path = "../../untrusted/legacy.rs"]
mod legacy;

/// The longest side of a small picture, in pixels.
const SMALL: u32 = 240;

/// The time that one picture may take, and the memory that its worker may.
pub(crate) const TIME: Duration = Duration::from_secs(2);
pub(crate) const MEMORY: u64 = 512 << 20;

#[derive(Serialize, Deserialize)]
pub(crate) enum Decoded {
    /// Its size, and a small copy of it as PNG.
    Picture { width: u32, height: u32, small: Vec<u8> },
    /// Of the old format there is only the sum of all pixels.
    Old { sum: u64 },
}

/// The workers for it: each takes one file and is replaced, so that no file learns of the next one.
pub(crate) fn pool() -> multicore::Result<Pool> {
    Pool::builder()
        .workers(2)
        .sandbox(Sandbox::new())
        .timeout(TIME)
        .data_limit(MEMORY)
        .payload_limit(64 << 20)
        .max_calls(1)
        .build()
}

#[multicore::task(error = "text")]
pub(crate) fn decode(file: &[u8]) -> Result<Decoded, Box<dyn std::error::Error>> {
    multicore::breadcrumb(format_args!("a file of {} bytes", file.len()));
    if file.starts_with(b"OLD1") {
        return Ok(Decoded::Old { sum: legacy::decode(file)? });
    }
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    // The crate has limits of its own. Not every decoder has, so this one shall have none.
    reader.no_limits();
    if reader.format().is_none() {
        return Err(io::Error::other("this is no PNG, no GIF and no old picture").into());
    }
    let picture = reader.decode()?;
    let mut small = Vec::new();
    picture.thumbnail(SMALL, SMALL).to_rgba8().write_to(&mut Cursor::new(&mut small), ImageFormat::Png)?;
    Ok(Decoded::Picture { width: picture.width(), height: picture.height(), small })
}
