#[multicore::task]
fn first<'a>(text: &'a str, _start: usize) -> &'a str {
    text
}

fn main() {}
