#[multicore::task]
fn words(text: String) -> impl Iterator<Item = char> {
    text.chars().collect::<Vec<_>>().into_iter()
}

fn main() {}
