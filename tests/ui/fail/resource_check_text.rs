#[multicore::resource(check = "is_alive", check_idle = "30s")]
fn db() -> String {
    String::new()
}

#[allow(dead_code)]
fn is_alive(_db: &mut String) -> bool {
    true
}

fn main() {}
