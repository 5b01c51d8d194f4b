//! Many calls at once: in order, in ranges.

pub(crate) mod group;
pub(crate) mod items;
pub(crate) mod par;
pub(crate) mod ranges;
pub(crate) mod task;
