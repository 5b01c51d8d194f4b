use multicore::Shared;

#[multicore::task]
fn half(numbers: Shared<[u64]>) -> Shared<[u64]> {
    numbers.slice(..numbers.len() / 2)
}

fn main() {}
