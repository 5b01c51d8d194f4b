#[multicore::resource(max_lifetime = "10m")]
fn db() -> String {
    String::new()
}

fn main() {}
