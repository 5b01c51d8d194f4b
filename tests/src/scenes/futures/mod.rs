//! What CPython's tests of `concurrent.futures` check and has a meaning here, one idea a file.
//!
//! Each scene names the test that it answers. `tests/tests/futures.rs` lists those that others answer, and
//! those that have no meaning here.

mod completed;
mod crashes;
mod freed;
mod hooks;
mod map;
mod shutdown;
mod wait;
mod workers;

use std::time::Duration;

pub use self::completed::*;
pub use self::crashes::*;
pub use self::freed::*;
pub use self::hooks::*;
pub use self::map::*;
pub use self::shutdown::*;
pub use self::wait::*;
pub use self::workers::*;

/// Far longer than a test takes.
const LONG: Duration = Duration::from_secs(600);
/// Some calls do not end in it.
const SHORT: Duration = Duration::from_millis(30);

fn open(gate: &str) {
    std::fs::write(gate, "").unwrap();
}

/// Waits for a file, and panics.
#[multicore::task]
fn wait_and_panic(path: &str) {
    super::short::wait_for(path);
    panic!("after the gate");
}

/// Waits for a file, and aborts.
#[multicore::task]
fn wait_and_abort(path: &str) {
    super::short::wait_for(path);
    std::process::abort();
}
