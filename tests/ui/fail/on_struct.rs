#[multicore::task]
pub struct Order {
    pub amount: u64,
}

fn main() {}
