#[multicore::resource(on_close = |db| db.len())]
fn db() -> String {
    String::new()
}

fn main() {}
