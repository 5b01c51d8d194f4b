#[multicore::resource(on_close = quit)]
fn db() -> String {
    String::new()
}

fn quit(_db: &mut String) {}

fn main() {}
