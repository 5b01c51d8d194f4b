//! `#[tokio::main]` above.

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
#[multicore::main]
async fn main() -> multicore::Result<()> {
    tokio::task::yield_now().await;
    multicore::tasks().map(|_| ())
}
