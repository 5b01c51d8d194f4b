//! How long do bytes, text and numbers take to a worker, and back?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[multicore::task]
fn length(text: &str) -> usize {
    text.len()
}

#[multicore::task]
fn zeros(count: usize) -> Vec<u8> {
    vec![0; count]
}

#[multicore::task]
fn echo_bytes(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

#[multicore::task]
fn echo_numbers(numbers: &[f64]) -> Vec<f64> {
    numbers.to_vec()
}

const SIZES: [(&str, usize); 4] =
    [("4 KiB", 4 << 10), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20), ("64 MiB", 64 << 20)];

fn payload(c: &mut Criterion) {
    for (name, size) in SIZES {
        let mut group = c.benchmark_group(format!("payload, {name}"));
        group.sample_size(20).throughput(Throughput::Bytes(size as u64));
        let (text, bytes, numbers) = ("x".repeat(size), vec![1; size], vec![1.0; size / size_of::<f64>()]);
        group.bench_function("text there", |b| {
            b.iter(|| length::call(&text).get().expect("a worker answers"));
        });
        group.bench_function("bytes back", |b| {
            b.iter(|| zeros::call(size).get().expect("a worker answers"));
        });
        group.bench_function("bytes there and back", |b| {
            b.iter(|| echo_bytes::call(&bytes).get().expect("a worker answers"));
        });
        group.bench_function("numbers there and back", |b| {
            b.iter(|| echo_numbers::call(&numbers).get().expect("a worker answers"));
        });
        group.finish();
    }
}

criterion_group!(benches, payload);
criterion_main!(benches);
