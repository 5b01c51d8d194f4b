#[multicore::resource(max_age = "10m", max_age = "20m")]
fn db() -> String {
    String::new()
}

fn main() {}
