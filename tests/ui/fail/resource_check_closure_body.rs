#[multicore::resource(check = |db| db.ping())]
fn db() -> String {
    String::new()
}

fn main() {}
