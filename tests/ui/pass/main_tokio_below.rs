//! `#[tokio::main]` below.

use std::sync::LazyLock;

/// Loaded before there is a runtime, and so before it has threads.
static USERS: LazyLock<bool> = LazyLock::new(|| tokio::runtime::Handle::try_current().is_err());

#[multicore::main(preload(USERS))]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::task::yield_now().await;
    assert!(*USERS);
    Ok(())
}
