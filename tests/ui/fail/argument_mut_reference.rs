#[multicore::task]
fn sort(words: &mut Vec<String>) {
    words.sort();
}

fn main() {}
