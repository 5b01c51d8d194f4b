#[multicore::resource(check = is_alive)]
fn db() -> String {
    String::new()
}

fn is_alive(_db: &mut Vec<u8>) -> bool {
    true
}

fn main() {}
