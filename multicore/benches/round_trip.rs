//! How long does one empty call take, there and back, when the workers are warm?

use criterion::{Criterion, criterion_group, criterion_main};

#[multicore::task]
fn empty() {}

#[multicore::task]
fn length(text: &str) -> usize {
    text.len()
}

fn round_trip(c: &mut Criterion) {
    empty::call().get().expect("a worker answers");
    let mut group = c.benchmark_group("round_trip");
    group.bench_function("empty", |b| b.iter(|| empty::call().get().expect("a worker answers")));
    let text = "x".repeat(1 << 20);
    group.bench_function("1 MiB of text as argument", |b| {
        b.iter(|| length::call(&text).get().expect("a worker answers"));
    });
    group.finish();
}

criterion_group!(benches, round_trip);
criterion_main!(benches);
