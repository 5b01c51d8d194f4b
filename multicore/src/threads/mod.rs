//! Calls on threads of this process.
//!
//! ```text
//! handle, Task ── spawn, cancel ──▶ desk (queue, seats) ◀── next ── crew (rayon-core's threads)
//!       └── wait, collect ──▶ work (one call, and what became of it) ◀── around (before and after the call)
//! ```
//!
//! A call travels as to a worker: its arguments are encoded, a thread decodes them, runs the registry's entry and
//! encodes the result. So arguments may be borrowed, and every backend gives the same answers. The threads, their
//! sleep and their wake-up are `rayon-core`'s. What is queued is ours: `rayon-core` cannot bound it, take a call
//! back, or say what waits.
//!
//! Nobody here is ended by force: a call that is cancelled while it runs is asked, by
//! [`cancelled`](crate::cancelled()), and nothing else.

pub(crate) mod around;
pub(crate) mod claim;
mod count;
pub(crate) mod crew;
pub(crate) mod desk;
mod work;

#[cfg(test)]
// Inside this crate the macros' unsafe attribute is not another crate's.
#[allow(unsafe_code)]
mod test;
