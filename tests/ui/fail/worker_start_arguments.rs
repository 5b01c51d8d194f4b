#[multicore::worker_start]
fn connect(_url: String) {}

fn main() {}
