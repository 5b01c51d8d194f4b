//! The protocol, on memory that it is given. Knows no kernel call and no process.
//!
//! | file | one idea |
//! |---|---|
//! | [`word`] | the state word: who may move a call from which phase to which (safe code) |
//! | [`hint`] | bit sets that make finding fast and decide nothing (safe code) |
//! | [`lookout`] | who looks for calls, and who is woken for one (safe code) |
//! | [`watch`] | who is told of calls that are awaited and have settled (safe code) |
//! | [`note`] | short texts that outlive whoever wrote them (safe code) |
//! | [`tally`] | what is counted of a seat's workers (safe code) |
//! | [`steps`] | how far a call says that it has come (safe code) |
//! | [`layout`] | which byte of the region is what |
//! | [`region`] | references to the parts of one mapped region |
//! | [`in_place`] | references to a result that stays in its window |
//! | [`window`] | payload bytes in and out |
//! | [`cell`] | the word of a queue's cell (safe code) |
//! | [`ring`] | the turns of a queue: who fills which cell, and who takes from it (safe code) |
//! | [`bell`] | who sleeps until a queue has room or an item (safe code) |
//! | [`space`] | references to the parts of a queue's memory |
#![allow(unsafe_code)]

pub(crate) mod bell;
pub(crate) mod cell;
pub(crate) mod hint;
pub(crate) mod in_place;
pub(crate) mod layout;
pub(crate) mod lookout;
pub(crate) mod note;
pub(crate) mod region;
pub(crate) mod ring;
pub(crate) mod space;
pub(crate) mod steps;
pub(crate) mod tally;
pub(crate) mod watch;
pub(crate) mod window;
pub(crate) mod word;

#[cfg(all(test, loom))]
mod model;
#[cfg(all(test, loom))]
mod model_watch;
#[cfg(all(test, loom))]
mod ring_model;
#[cfg(all(test, not(loom)))]
mod test;
