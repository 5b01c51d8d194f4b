//! Why a value did not travel, before anybody knows whose value it was.

use std::fmt;
use std::io;

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
    Os(io::Error),
}

impl Failure {
    pub(super) fn encode(why: impl Into<String>) -> Failure {
        Failure::Encode(why.into())
    }

    pub(super) fn decode(why: impl Into<String>) -> Failure {
        Failure::Decode(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Encode(why) => write!(f, "cannot encode: {why}"),
            Failure::Decode(why) => write!(f, "cannot decode: {why}"),
            Failure::TooLarge { need, limit } => {
                write!(f, "{need} bytes are needed where {limit} are allowed")
            }
            Failure::Os(_) => f.write_str("the kernel has no memory for the window"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Failure::Os(source) => Some(source),
            _ => None,
        }
    }
}
