#[multicore::resource(type = "Db")]
fn db() -> String {
    String::new()
}

fn main() {}
