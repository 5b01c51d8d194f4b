//! The protocol on ordinary memory.

mod hint;
mod note;
mod region;
mod ring;
mod steps;
mod tally;
mod word;
