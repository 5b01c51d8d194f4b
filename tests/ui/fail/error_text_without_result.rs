#[multicore::task(error = "text")]
fn count(text: &str) -> usize {
    text.len()
}

fn main() {}
