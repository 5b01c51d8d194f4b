use std::rc::Rc;

#[multicore::task]
fn count(words: Rc<String>) -> usize {
    words.len()
}

fn main() {}
