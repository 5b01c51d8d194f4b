#[multicore::task]
fn total(value: impl Into<u64>) -> u64 {
    value.into()
}

fn main() {}
