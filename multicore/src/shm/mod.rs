//! The protocol, on memory that it is given. Knows no kernel call, but advice on mappings, and no process.
//!
//! | file | one idea |
//! |---|---|
//! | [`word`] | the state word: who may move a call from which phase to which (safe code) |
//! | [`hint`] | bit sets that make finding fast and decide nothing (safe code) |
//! | [`lookout`] | who looks for calls, and who is woken for one (safe code) |
//! | [`watch`] | who is told of calls that are awaited and have settled (safe code) |
//! | [`latch`] | a few numbers that are written and read together (safe code) |
//! | [`note`] | short texts that outlive whoever wrote them (safe code) |
//! | [`tally`] | what is counted of a seat's workers (safe code) |
//! | [`steps`] | how far a call says that it has come (safe code) |
//! | [`layout`] | which byte of the region is what |
//! | [`region`] | references to the parts of one mapped region |
//! | [`in_place`] | references to a result that stays in its window |
//! | `own` | memory in place of a window, for calls that leave no process |
//! | [`window`] | payload bytes in and out |
//! | [`cell`] | the word of a queue's cell (safe code) |
//! | [`ring`] | the turns of a queue: who fills which cell, and who takes from it (safe code) |
//! | [`bell`] | who sleeps until a queue has room or an item (safe code) |
//! | [`space`] | references to the parts of a queue's memory |
#![allow(unsafe_code)]

#[cfg(processes)]
pub(crate) mod bell;
#[cfg(processes)]
pub(crate) mod cell;
#[cfg(processes)]
pub(crate) mod hint;
pub(crate) mod in_place;
pub(crate) mod latch;
pub(crate) mod layout;
#[cfg(processes)]
pub(crate) mod lookout;
pub(crate) mod note;
#[cfg(threads)]
pub(crate) mod own;
#[cfg(processes)]
pub(crate) mod region;
#[cfg(processes)]
pub(crate) mod ring;
#[cfg(processes)]
pub(crate) mod space;
pub(crate) mod steps;
pub(crate) mod tally;
#[cfg(processes)]
pub(crate) mod watch;
pub(crate) mod window;
pub(crate) mod word;

#[cfg(all(test, loom, processes))]
mod model;
#[cfg(all(test, not(loom), processes))]
mod test;
