//! What do a task's own questions and notes cost in an inner loop?

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};

/// Asks so often whether it is to end; how long that took.
#[multicore::task]
fn ask(times: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        black_box(multicore::cancelled());
    }
    start.elapsed()
}

/// Leaves so many breadcrumbs; how long that took.
#[multicore::task]
fn note(times: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        multicore::breadcrumb(black_box("page 12 of a.pdf"));
    }
    start.elapsed()
}

/// Says so often how far it has come; how long that took.
#[multicore::task]
fn report(times: u64) -> Duration {
    let start = Instant::now();
    for n in 0..times {
        multicore::progress(black_box(n), times, black_box("converting"));
    }
    start.elapsed()
}

fn inside(c: &mut Criterion) {
    let mut group = c.benchmark_group("inside");
    group.bench_function("cancelled", |b| {
        b.iter_custom(|times| ask::call(times).get().expect("a worker answers"));
    });
    group.bench_function("breadcrumb", |b| {
        b.iter_custom(|times| note::call(times).get().expect("a worker answers"));
    });
    group.bench_function("progress", |b| {
        b.iter_custom(|times| report::call(times).get().expect("a worker answers"));
    });
    group.finish();
}

criterion_group!(benches, inside);
criterion_main!(benches);
