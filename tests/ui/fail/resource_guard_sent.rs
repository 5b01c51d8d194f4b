#[multicore::resource]
fn db() -> String {
    String::new()
}

fn main() {
    let guard = db::get();
    std::thread::spawn(move || guard.len());
}
