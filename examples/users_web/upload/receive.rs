//! A file on its way in.

use std::time::Duration;

use axum::extract::Multipart;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::http::StatusCode;

use crate::trouble::Trouble;

/// The largest file that is decoded, in MiB.
pub(crate) const MOST: usize = 8;
/// The most bytes that are read at all. What is too large is read to its end within this, because a browser that is
/// still sending when the answer comes shows none.
pub(crate) const MOST_READ: usize = 64 << 20;
/// How long sending may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The file of the form's field `file`.
pub(crate) async fn file(form: Result<Multipart, MultipartRejection>) -> Result<Vec<u8>, Trouble> {
    let form = form.map_err(|error| Trouble::bad(error.body_text()))?;
    match tokio::time::timeout(PATIENCE, read(form)).await {
        Ok(file) => file,
        Err(_) => {
            let text = format!("The file did not arrive within {} seconds.", PATIENCE.as_secs());
            Err(Trouble::new(StatusCode::REQUEST_TIMEOUT, "Too slow", text))
        }
    }
}

async fn read(mut form: Multipart) -> Result<Vec<u8>, Trouble> {
    let mut file = None;
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let wanted = field.name() == Some("file");
        let (mut bytes, mut size) = (Vec::new(), 0);
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            size += chunk.len();
            if wanted && size <= MOST << 20 {
                bytes.extend_from_slice(&chunk);
            }
        }
        if wanted {
            file = Some((bytes, size));
        }
    }
    match file {
        Some((_, size)) if size > MOST << 20 => Err(too_large()),
        Some((bytes, 1..)) => Ok(bytes),
        _ => Err(Trouble::bad("Choose a file first.")),
    }
}

fn broken(error: MultipartError) -> Trouble {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Trouble::bad(error.body_text())
    }
}

fn too_large() -> Trouble {
    let text = format!("A picture may have {MOST} MiB, and this one has more.");
    Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, "That is too large", text)
}
