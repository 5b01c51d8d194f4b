#[multicore::resource(check = is_alive)]
fn db() -> String {
    String::new()
}

fn is_alive(_db: String) -> bool {
    true
}

fn main() {}
