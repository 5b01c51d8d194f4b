//! `/pool`: what the workers of both pools do.

mod end;
pub(crate) mod page;
mod sums;
