//! Reports: begun by one request, watched by others, kept for whoever comes later.

pub(crate) mod page;
pub(crate) mod shelf;
pub(crate) mod task;
