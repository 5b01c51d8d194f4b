//! Reading what came back: a result that does not decode is an error, whatever it is made of.

use crate::codec::Failure;
use crate::error::{Error, Result};
use crate::panics;
use crate::report::{Report, client_error};

/// Decodes; a panic in the user's `Deserialize` is an error like any other.
pub(crate) fn decoded<R>(decode: impl FnOnce() -> Result<R, Failure>, task: &str) -> Result<R> {
    match panics::caught(decode) {
        Ok(result) => result.map_err(|failure| client_error(failure, task)),
        Err(Report::Panicked { message, .. }) => {
            Err(garbled(task, &format!("its `Deserialize` panicked: {message}")))
        }
        Err(_) => Err(garbled(task, "its `Deserialize` panicked")),
    }
}

pub(crate) fn garbled(task: &str, why: &str) -> Error {
    Error::Decode { task: task.to_owned(), what: "the result", why: why.to_owned() }
}
