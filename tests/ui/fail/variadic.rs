#[multicore::task]
unsafe extern "C" fn add(a: u32, ...) -> u32 {
    a
}

fn main() {}
