#[multicore::resource(check = is_alive)]
fn db() -> String {
    String::new()
}

fn is_alive() -> bool {
    true
}

fn main() {}
