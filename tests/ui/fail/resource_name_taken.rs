mod db {}

#[multicore::resource]
fn db() -> String {
    String::new()
}

fn main() {}
