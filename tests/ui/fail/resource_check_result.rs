#[multicore::resource(check = is_alive)]
fn db() -> String {
    String::new()
}

fn is_alive(db: &mut String) -> usize {
    db.len()
}

fn main() {}
