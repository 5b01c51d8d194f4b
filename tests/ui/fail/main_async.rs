#[multicore::main]
async fn main() {}
