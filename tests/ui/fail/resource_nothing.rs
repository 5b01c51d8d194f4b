#[multicore::resource]
fn db() {}

fn main() {}
