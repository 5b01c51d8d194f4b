#[multicore::resource(r2d2 = true)]
fn db() -> String {
    String::new()
}

fn main() {}
