type Length = usize;

#[multicore::task(error = "text")]
fn count(text: &str) -> Length {
    text.len()
}

fn main() {}
