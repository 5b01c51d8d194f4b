//! (being written)

/// Workers, their supervisor and their shared region.
pub struct Pool(());
