#[multicore::resource]
fn db(url: &str) -> String {
    url.to_owned()
}

fn main() {}
