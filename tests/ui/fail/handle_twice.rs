#[multicore::task]
fn square(n: u64) -> u64 {
    n * n
}

fn main() {
    let handle = square::call(3).spawn().unwrap();
    for _ in multicore::as_completed([handle, handle]) {}
}
