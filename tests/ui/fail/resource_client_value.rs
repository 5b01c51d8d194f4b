#[multicore::resource(client = true)]
fn db() -> String {
    String::new()
}

fn main() {}
