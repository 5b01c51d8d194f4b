#[multicore::main]
fn start() {}

fn main() {}
