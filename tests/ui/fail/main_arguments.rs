#[multicore::main]
fn main(_arguments: Vec<String>) {}
