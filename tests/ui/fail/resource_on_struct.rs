#[multicore::resource]
struct Db;

fn main() {}
