#[multicore::forked]
fn first(words: &[String]) -> &str {
    &words[0]
}

fn main() {}
