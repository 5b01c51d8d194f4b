#[multicore::task]
fn first(bytes: *const u8, len: usize) -> usize {
    bytes as usize + len
}

fn main() {}
