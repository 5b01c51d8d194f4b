#[derive(serde::Serialize)]
pub struct Order {
    pub amount: u64,
}

#[multicore::task]
fn total(order: Order) -> u64 {
    order.amount
}

fn main() {}
