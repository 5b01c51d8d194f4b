//! The protocol, on memory that it is given. Knows no kernel call and no process.
#![allow(unsafe_code)]

pub(crate) mod window;
