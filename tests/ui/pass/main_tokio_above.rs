//! `#[tokio::main]` above.

use std::sync::LazyLock;

/// Loaded before there is a runtime, and so before it has threads.
static USERS: LazyLock<bool> = LazyLock::new(|| tokio::runtime::Handle::try_current().is_err());

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
#[multicore::main(preload(USERS))]
async fn main() -> multicore::Result<()> {
    tokio::task::yield_now().await;
    assert!(*USERS);
    multicore::tasks().map(|_| ())
}
