#[multicore::resource]
async fn db() -> String {
    String::new()
}

fn main() {}
