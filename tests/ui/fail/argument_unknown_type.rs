#[multicore::task]
fn total(order: Order, rate: u64) -> u64 {
    rate
}

fn main() {}
