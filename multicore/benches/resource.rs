//! What does a resource cost a call that borrows it?
//!
//! Inline there is nothing around it but the encoding; in a worker it hides in the noise of a round trip.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use multicore::{Call, Handle, Pool};

#[multicore::task]
fn empty() -> u64 {
    0
}

#[multicore::resource]
fn plain() -> u64 {
    1
}

#[multicore::task]
fn borrows() -> u64 {
    black_box(*plain::get())
}

/// As often as it is told, within one call.
#[multicore::task]
fn borrows_often(times: u64) -> u64 {
    (0..times).map(|_| black_box(*plain::get())).sum()
}

#[multicore::resource(reset = |value| { *value = 1; true })]
fn tidy() -> u64 {
    1
}

#[multicore::task]
fn borrows_tidy() -> u64 {
    black_box(*tidy::get())
}

#[multicore::resource(check = |value| *value == 1, check_idle = "0s")]
fn checked() -> u64 {
    1
}

#[multicore::task]
fn borrows_checked() -> u64 {
    black_box(*checked::get())
}

#[multicore::resource(max_age = "10m")]
fn aging() -> u64 {
    1
}

#[multicore::task]
fn borrows_aging() -> u64 {
    black_box(*aging::get())
}

/// What it is, how it is made, and what it gives.
type Kind = (&'static str, fn() -> Call<'static, u64>, u64);

fn resource(c: &mut Criterion) {
    let kinds: [Kind; 6] = [
        ("an empty call", empty::call, 0),
        ("one that borrows a resource", borrows::call, 1),
        ("one that borrows it a hundred times", || borrows_often::call(100), 100),
        ("one with a reset", borrows_tidy::call, 1),
        ("one that is checked in each call", borrows_checked::call, 1),
        ("one with an age", borrows_aging::call, 1),
    ];
    let worker = Pool::builder().workers(1).build().expect("a pool");
    let inline = Pool::inline().expect("a pool");
    for (place, pool) in [("inline", &inline), ("in a worker", &worker)] {
        let mut group = c.benchmark_group(format!("resource, {place}"));
        for (name, call, expected) in kinds {
            let run = || pool.spawn(call()).and_then(Handle::get).expect("a worker answers");
            assert_eq!(run(), expected);
            group.bench_function(name, |b| b.iter(run));
        }
        group.finish();
    }
    // However often it was borrowed, there was one value of each.
    assert_eq!(worker.stats().resources().made, 4);
}

criterion_group!(benches, resource);
criterion_main!(benches);
