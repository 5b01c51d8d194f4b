#[multicore::task]
unsafe fn poke(address: usize) -> usize {
    address
}

fn main() {}
