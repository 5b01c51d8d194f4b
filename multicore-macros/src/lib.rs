//! The attribute macros of the `multicore` crate.
