#[multicore::resource(check = String::is_empty, check_idle = 30)]
fn db() -> String {
    String::new()
}

fn main() {}
