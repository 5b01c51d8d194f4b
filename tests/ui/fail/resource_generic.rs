#[multicore::resource]
fn cache<K: Default>() -> Vec<K> {
    Vec::new()
}

fn main() {}
