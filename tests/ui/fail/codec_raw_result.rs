#[multicore::task(codec = "raw")]
fn count(text: &str) -> usize {
    text.len()
}

fn main() {}
