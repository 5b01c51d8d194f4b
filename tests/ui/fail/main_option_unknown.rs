#[multicore::main(preloads(USERS))]
fn main() {}
