pub struct Order {
    pub amount: u64,
}

#[multicore::task]
fn total(orders: &[Order]) -> u64 {
    orders.iter().map(|order| order.amount).sum()
}

fn main() {
    let _ = total::call(&[]);
}
