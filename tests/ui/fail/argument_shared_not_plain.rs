#[multicore::task]
fn count(names: multicore::Shared<[String]>) -> usize {
    names.len()
}

fn main() {}
