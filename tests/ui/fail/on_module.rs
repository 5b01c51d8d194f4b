#[multicore::task]
mod orders {
    pub fn total() {}
}

fn main() {}
