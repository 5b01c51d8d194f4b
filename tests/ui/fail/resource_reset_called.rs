#[multicore::resource(reset = roll_back())]
fn db() -> String {
    String::new()
}

#[allow(dead_code)]
fn roll_back() -> bool {
    true
}

fn main() {}
