use std::borrow::Cow;

#[multicore::task]
fn count(word: Cow<'_, str>) -> usize {
    word.len()
}

fn main() {}
