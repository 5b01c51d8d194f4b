//! Why a stage could not do its work, as it travels from a worker.

use std::io;

use serde::{Deserialize, Serialize};

use crate::codec::Failure;
use crate::error::Error;

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Deed {
    Open,
    Read,
    Write,
}

/// What went wrong between a stage and its files.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Trouble {
    Os {
        deed: Deed,
        errno: i32,
    },
    /// A key or a value does not encode.
    Encode(String),
    /// What was written does not decode.
    Decode(String),
    /// The file that was named is another one.
    Replaced,
}

impl Trouble {
    pub(super) fn os(deed: Deed) -> impl Fn(io::Error) -> Trouble {
        move |error| Trouble::Os { deed, errno: error.raw_os_error().unwrap_or(libc::EIO) }
    }

    /// The caller's error; `task` is whose stage it was.
    pub(super) fn into_error(self, task: &str) -> Error {
        let task = task.to_owned();
        match self {
            Trouble::Os { deed, errno } => {
                let call = match deed {
                    Deed::Open => "open",
                    Deed::Read => "pread",
                    Deed::Write => "pwrite",
                };
                Error::os(call, io::Error::from_raw_os_error(errno))
            }
            Trouble::Encode(why) => Error::Encode { task, what: "keys and values", why },
            Trouble::Decode(why) => Error::Decode { task, what: "keys and values", why },
            Trouble::Replaced => Error::Decode {
                task,
                what: "keys and values",
                why: "the temporary file is another one; has the client ended?".to_owned(),
            },
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        match failure {
            Failure::Encode(why) => Trouble::Encode(why),
            Failure::Os(error) => Trouble::os(Deed::Write)(error),
            other => Trouble::Decode(other.to_string()),
        }
    }
}
