//! Calls in worker processes: where the protocol ([`shm`](crate::shm)) meets the kernel ([`sys`](crate::sys)).
//!
//! ```text
//! client/ ── control, roster ─▶ supervisor/ ── fork ─▶ worker/
//!    └───────────── repair ─────────┘
//! all three: map (the region), queue, clock, spin
//! ```

pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod control;
pub(crate) mod ledger;
pub(crate) mod map;
pub(crate) mod queue;
pub(crate) mod repair;
mod roster;
pub(crate) mod spin;
pub(crate) mod state;
pub(crate) mod stats;
pub(crate) mod supervisor;
pub(crate) mod worker;

#[cfg(test)]
mod test;
