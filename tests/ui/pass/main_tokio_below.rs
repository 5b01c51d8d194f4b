//! `#[tokio::main]` below.

static USERS: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| 1);

#[multicore::main(preload(USERS))]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::task::yield_now().await;
    assert_eq!(*USERS, 1);
    Ok(())
}
