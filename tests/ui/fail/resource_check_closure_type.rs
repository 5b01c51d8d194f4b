#[multicore::resource(check = |db: &mut Vec<u8>| db.is_empty())]
fn db() -> String {
    String::new()
}

fn main() {}
