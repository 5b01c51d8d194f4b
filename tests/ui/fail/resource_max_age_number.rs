#[multicore::resource(max_age = 600)]
fn db() -> String {
    String::new()
}

fn main() {}
