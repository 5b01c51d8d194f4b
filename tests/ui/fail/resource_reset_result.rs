#[multicore::resource(reset = |db| db.clear())]
fn db() -> String {
    String::new()
}

fn main() {}
