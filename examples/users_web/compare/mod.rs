//! `/compare`: the same list without worker processes.

pub(crate) mod page;
pub(crate) mod rivals;
