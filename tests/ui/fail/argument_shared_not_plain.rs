use multicore::Shared;

#[multicore::task]
fn count(_names: Shared<[String]>) -> usize {
    0
}

fn main() {}
