#[multicore::resource]
unsafe fn db() -> String {
    String::new()
}

fn main() {}
