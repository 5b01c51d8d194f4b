//! Many calls at once: in order, in ranges, as they come.

mod any;
#[cfg(feature = "indicatif")]
pub(crate) mod bar;
pub(crate) mod completed;
mod flight;
pub(crate) mod gathering;
pub(crate) mod group;
pub(crate) mod items;
pub(crate) mod join;
mod line;
pub(crate) mod map;
#[cfg(processes)]
pub(crate) mod map_reduce;
pub(crate) mod on;
pub(crate) mod par;
pub(crate) mod ranges;
mod steps;
#[cfg(feature = "stream")]
pub(crate) mod stream;
pub(crate) mod task;
pub(crate) mod tree;
