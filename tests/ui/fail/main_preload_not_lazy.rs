static USERS: [u32; 2] = [1, 2];

#[multicore::main(preload(USERS))]
fn main() {}
