#[multicore::threaded(timeout = "2s")]
fn double(n: u32) -> u32 {
    2 * n
}

fn main() {}
