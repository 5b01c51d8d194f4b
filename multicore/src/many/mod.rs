//! Many calls at once: in order, in ranges, as they come.

mod any;
pub(crate) mod completed;
mod flight;
pub(crate) mod group;
pub(crate) mod items;
pub(crate) mod join;
pub(crate) mod map;
mod on;
pub(crate) mod par;
pub(crate) mod ranges;
pub(crate) mod task;
