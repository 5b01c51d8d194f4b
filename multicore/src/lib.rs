//! Annotate a function with [`#[multicore::task]`](task) and it runs on every core, in worker
//! processes that stay alive, over shared memory.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_endian = "little")))]
compile_error!("multicore needs 64-bit little-endian Linux for now");

mod call;
mod codec;
mod error;
mod items;
mod ranges;
mod registry;
mod shm;
mod sys;

#[doc(hidden)]
pub mod private;

pub use error::{Error, Exit, Result, Signal, TextError};

/// Runs this process as what its client started it for; `false` when it does not know the marker.
fn turned_aside(_marker: String) -> bool {
    false
}
