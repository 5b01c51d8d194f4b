#[multicore::task]
unsafe extern "C" fn add(a: u32, _: ...) -> u32 {
    a
}

fn main() {}
