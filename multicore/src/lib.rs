//! Annotate a function with [`#[multicore::task]`](task) and it runs on every core, in worker
//! processes that stay alive, over shared memory.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_endian = "little")))]
compile_error!("multicore needs 64-bit little-endian Linux for now");

// Generated code names the crate by its path, and unit tests have tasks too.
#[cfg(test)]
extern crate self as multicore;

mod batch;
mod call;
mod codec;
mod config;
mod error;
mod handle;
mod items;
mod load;
mod panics;
mod par;
mod pool;
mod ranges;
mod registry;
mod report;
mod shm;
mod sys;

#[doc(hidden)]
#[allow(missing_docs, reason = "named by generated code alone")]
pub mod private;
#[doc(hidden)]
pub use private as __private;

pub use batch::Task;
pub use call::{Call, TaskFn};
pub use codec::Codec;
pub use config::{Config, Start};
pub use error::{Error, Exit, Result, Signal, TextError, Usage};
pub use handle::{Handle, TrySpawnError};
pub use items::Items;
pub use load::set_load_source;
pub use multicore_macros::{main, par_ranges, task, worker_exit, worker_start};
pub use pool::Pool;
pub use pool::default::{initialize, initialize_with, shutdown};
pub use ranges::{Ranges, ranges, ranges_with};
pub use registry::{TaskInfo, tasks};
