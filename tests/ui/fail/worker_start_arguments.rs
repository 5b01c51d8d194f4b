#[multicore::worker_start]
fn connect(url: String) {}

fn main() {}
