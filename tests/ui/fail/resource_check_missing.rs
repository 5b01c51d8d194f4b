#[multicore::resource(check = is_alive)]
fn db() -> String {
    String::new()
}

fn main() {}
