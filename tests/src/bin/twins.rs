//! A program with two tasks of one name: nothing of it may run.

/// One.
#[multicore::task(name = "tests.twin")]
fn first() -> u64 {
    1
}

/// And the other.
#[multicore::task(name = "tests.twin")]
fn second(_n: u64) -> u64 {
    2
}

fn main() {
    let report =
        |error: multicore::Error| println!("{error}\n{}", matches!(error, multicore::Error::Registry { .. }));
    report(first::call().get().unwrap_err());
    report(multicore::Pool::builder().build().unwrap_err());
    report(multicore::initialize().unwrap_err());
    report(multicore::tasks().unwrap_err());
    assert_eq!((first(), second(0)), (1, 2), "they stay ordinary functions");
}
