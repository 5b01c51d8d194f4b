#[multicore::worker_start]
fn connect() -> u32 {
    1
}

fn main() {}
