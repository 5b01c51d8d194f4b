#[multicore::task(codec = "raw")]
fn count() -> String {
    String::new()
}

fn main() {}
