#[multicore::task]
fn count(word: &'static str) -> usize {
    word.len()
}

fn main() {}
