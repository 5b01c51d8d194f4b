#[multicore::worker_exit]
async fn disconnect() {}

fn main() {}
