#[multicore::resource(onclose = drop)]
fn db() -> String {
    String::new()
}

fn main() {}
