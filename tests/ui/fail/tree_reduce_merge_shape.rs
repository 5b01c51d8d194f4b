#[multicore::task]
fn square(n: u64) -> u64 {
    n * n
}

#[multicore::task]
fn merge(a: &u64, b: &u64) -> u64 {
    a + b
}

fn main() {
    let _ = multicore::tree_reduce::<merge>((0..10).map(square::call));
}
