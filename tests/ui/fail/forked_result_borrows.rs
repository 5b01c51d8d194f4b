use std::borrow::Cow;

#[multicore::forked]
fn first(words: &[String]) -> Cow<'_, str> {
    Cow::Borrowed(&words[0])
}

fn main() {}
