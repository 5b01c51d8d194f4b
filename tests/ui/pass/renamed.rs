//! The crate under another name.
#![deny(warnings)]

mod vendor {
    pub mod cores {
        pub use multicore::*;
    }
}

use vendor::cores;

static USERS: std::sync::LazyLock<Vec<u32>> = std::sync::LazyLock::new(|| vec![1; 10]);

#[cores::task(crate = crate::vendor::cores, codec = "raw")]
fn shout(text: &str) -> String {
    text.to_uppercase()
}

#[cores::task(crate = cores)]
fn sum(chunk: &[u32]) -> u32 {
    chunk.iter().sum()
}

#[cores::worker_start(crate = cores)]
fn start() {}

#[cores::main(preload(USERS), crate = vendor::cores)]
fn main() {
    let _ = shout::call("x");
    assert_eq!(cores::par_ranges!(USERS, sum, ranges = 2, crate = cores).unwrap(), [5, 5]);
}
