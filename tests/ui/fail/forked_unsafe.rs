#[multicore::forked]
unsafe fn read(bytes: &[u8]) -> u8 {
    bytes[0]
}

fn main() {}
