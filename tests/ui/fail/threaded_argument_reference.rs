#[multicore::threaded]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
