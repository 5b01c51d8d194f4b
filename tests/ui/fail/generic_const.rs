#[multicore::task]
fn total<const N: usize>(value: u64) -> u64 {
    value * N as u64
}

fn main() {}
