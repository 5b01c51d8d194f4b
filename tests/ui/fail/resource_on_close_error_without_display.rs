#[multicore::resource(on_close = quit)]
fn db() -> String {
    String::new()
}

struct Lost;

fn quit(_db: String) -> Result<(), Lost> {
    Err(Lost)
}

fn main() {}
