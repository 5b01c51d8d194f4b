//! The protocol on ordinary memory.

mod hint;
mod note;
mod region;
mod steps;
mod tally;
mod word;
