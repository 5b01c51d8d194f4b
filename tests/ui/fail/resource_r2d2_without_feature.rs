#[multicore::resource(r2d2, max_age = "10m")]
fn db() -> String {
    String::new()
}

fn main() {}
