#[multicore::resource]
fn db() -> String {
    String::new()
}

fn main() {
    let text: &str = db::with(|db| db.as_str());
    println!("{text}");
}
