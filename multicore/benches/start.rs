//! How long until a fresh pool has its first result, and until it is gone?
//!
//! In a program that has had pools: by exec, as criterion's programs start them. What a program's first
//! pool takes, by both methods, is J5 of `benches/peers`.

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use multicore::{Handle, Pool};

#[multicore::task]
fn empty() {}

fn fresh() -> Pool {
    let pool = Pool::builder().workers(2).build().expect("a pool");
    pool.spawn(empty::call()).and_then(Handle::get).expect("a worker answers");
    pool
}

/// The time that `part` of each turn takes.
fn only(turns: u64, part: impl Fn() -> Duration) -> Duration {
    (0..turns).map(|_| part()).sum()
}

fn start(c: &mut Criterion) {
    let mut group = c.benchmark_group("start");
    group.sample_size(20);
    group.bench_function("to the first result", |b| {
        b.iter_custom(|turns| {
            only(turns, || {
                let start = Instant::now();
                let pool = fresh();
                let time = start.elapsed();
                drop(pool);
                time
            })
        });
    });
    group.bench_function("to the end", |b| {
        b.iter_custom(|turns| {
            only(turns, || {
                let pool = fresh();
                let start = Instant::now();
                drop(pool);
                start.elapsed()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, start);
criterion_main!(benches);
