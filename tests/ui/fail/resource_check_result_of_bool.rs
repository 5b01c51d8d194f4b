#[multicore::resource(check = |db| db.parse::<bool>())]
fn db() -> String {
    String::new()
}

fn main() {}
