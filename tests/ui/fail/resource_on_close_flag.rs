#[multicore::resource(on_close)]
fn db() -> String {
    String::new()
}

fn main() {}
