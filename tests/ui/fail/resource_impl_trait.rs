#[multicore::resource]
fn numbers() -> impl Iterator<Item = u32> {
    0..10
}

fn main() {}
