//! Files to try it with: `/samples/…`.

use std::io::Cursor;

use axum::extract::Path;
use axum::http::header;
use axum::response::IntoResponse;
use image::{ImageFormat, Rgb, RgbImage};

use crate::trouble::Trouble;

/// Name, what it is, and what makes it.
type Sample = (&'static str, &'static str, fn() -> Vec<u8>);

pub(crate) const SAMPLES: [Sample; 6] = [
    ("good.png", "a picture", good),
    ("good.old", "a picture in the old format", || old(&[b'r', 6, 7, b'.'])),
    ("crash.old", "reads from a wild address: its worker dies of SIGSEGV", || {
        old(&[b'p', 0, 0, 0, 0, 0, 1, 0, 0])
    }),
    ("deep.old", "nested a million times: its worker runs out of stack", || old(&vec![b'('; 1 << 20])),
    ("endless.old", "is never done", || old(&[b'r', 1, 0])),
    ("bomb.gif", "forty bytes that ask for sixteen gigabytes", bomb),
];

pub(crate) async fn sample(Path(name): Path<String>) -> Result<impl IntoResponse, Trouble> {
    let sample = SAMPLES.iter().find(|(known, ..)| *known == name);
    let (name, _, make) = sample.ok_or_else(|| Trouble::missing("There is no sample of this name."))?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, make()))
}

fn old(body: &[u8]) -> Vec<u8> {
    [b"OLD1", body].concat()
}

/// A hill before the sky.
fn good() -> Vec<u8> {
    let picture = RgbImage::from_fn(640, 400, |x, y| {
        let hill = 240.0 - 90.0 * (x as f32 / 130.0).sin();
        let sun = (x as f32 - 470.0).hypot(y as f32 - 90.0) < 45.0;
        match (sun, y as f32 > hill) {
            (_, true) => Rgb([30, 110 - (y / 8) as u8, 60]),
            (true, _) => Rgb([255, 220, 90]),
            _ => Rgb([120 + (y / 4) as u8, 180 + (y / 8) as u8, 240]),
        }
    });
    let mut file = Vec::new();
    picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png).expect("memory takes it all");
    file
}

/// A picture of 65535 by 65535 pixels, it says.
fn bomb() -> Vec<u8> {
    let screen = [0xff, 0xff, 0xff, 0xff, 0x80, 0, 0];
    let (colours, frame) = ([0, 0, 0, 0xff, 0xff, 0xff], [0x2c, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0]);
    let pixels = [2, 2, 0x4c, 1, 0, 0x3b];
    [&b"GIF89a"[..], &screen, &colours, &frame, &pixels].concat()
}
