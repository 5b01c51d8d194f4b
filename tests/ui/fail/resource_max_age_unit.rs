#[multicore::resource(max_age = "10 minutes")]
fn db() -> String {
    String::new()
}

fn main() {}
