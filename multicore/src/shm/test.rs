//! The protocol on ordinary memory.

mod hint;
mod note;
mod region;
mod tally;
mod word;
