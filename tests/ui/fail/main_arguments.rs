#[multicore::main]
fn main(arguments: Vec<String>) {}
