use std::borrow::Cow;

#[multicore::task]
fn first(text: &str) -> Cow<'_, str> {
    text.into()
}

fn main() {}
