#[multicore::task]
fn total<T: Into<u64>>(value: T) -> u64 {
    value.into()
}

fn main() {}
