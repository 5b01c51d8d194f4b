#[multicore::task]
fn split(n: u32) -> Vec<(u32, u64)> {
    vec![(n % 2, 1)]
}

#[multicore::task]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

#[multicore::task]
fn count(n: u32) -> u32 {
    n
}

fn main() {
    let _ = multicore::map_reduce!(0..10, map = count, reduce = add);
}
