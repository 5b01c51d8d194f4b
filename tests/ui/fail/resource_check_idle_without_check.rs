#[multicore::resource(check_idle = "30s")]
fn db() -> String {
    String::new()
}

fn main() {}
