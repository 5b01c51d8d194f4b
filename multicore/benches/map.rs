//! How much faster are a million calls of a microsecond by `map` than one after another?
//!
//! The second time divided by the first is the speed-up; `MAP_CALLS=1000000` for the whole million.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use multicore::Pool;

fn burn_here(turns: u64) -> u64 {
    (0..turns).fold(0x9e37_79b9_7f4a_7c15, |state: u64, _| {
        let state = black_box(state ^ (state << 13));
        state ^ (state >> 7)
    })
}

#[multicore::task]
fn burn(turns: u64) -> u64 {
    burn_here(turns)
}

/// Turns that take a microsecond: by the fastest of several runs, which nobody disturbed.
fn turns() -> u64 {
    const MANY: u64 = 200_000;
    let run = |_| {
        let start = Instant::now();
        black_box(burn_here(MANY));
        start.elapsed()
    };
    let fastest = (0..20).map(run).min().unwrap_or_default();
    (u128::from(MANY) * Duration::from_micros(1).as_nanos() / fastest.as_nanos().max(1)) as u64
}

fn map(c: &mut Criterion) {
    let calls = std::env::var("MAP_CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(100_000);
    let turns = turns();
    let pool = Pool::builder().build().expect("a pool");
    let mut group = c.benchmark_group("map");
    group.throughput(Throughput::Elements(calls)).sample_size(10);
    group.bench_function("in order", |b| {
        b.iter(|| {
            pool.map((0..calls).map(|_| burn::call(turns))).map(Result::unwrap).fold(0, u64::wrapping_add)
        });
    });
    group.bench_function("one after another", |b| {
        b.iter(|| (0..calls).map(|_| burn_here(black_box(turns))).fold(0, u64::wrapping_add));
    });
    group.bench_function("unordered", |b| {
        let call = |_| burn::call(turns);
        b.iter(|| pool.map_unordered((0..calls).map(call)).map(Result::unwrap).fold(0, u64::wrapping_add));
    });
    group.finish();
}

criterion_group!(benches, map);
criterion_main!(benches);
