//! How fast do payloads travel, there and back, by size, type and way; and beside one copy of the same size?

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use multicore::{Call, Handle, Pool, Result};

#[multicore::task]
fn echo(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// From window to window.
#[multicore::task]
fn hand_back(bytes: &[u8]) -> &[u8] {
    bytes
}

#[multicore::task]
fn keep(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

#[multicore::task]
fn repeat(text: String) -> String {
    text
}

#[multicore::task]
fn numbers(numbers: &[u64]) -> Vec<u64> {
    numbers.to_vec()
}

/// By serde, byte by byte.
#[multicore::task]
fn perhaps(bytes: Option<Vec<u8>>) -> Option<Vec<u8>> {
    bytes
}

#[multicore::task]
fn length(bytes: &[u8]) -> usize {
    bytes.len()
}

const SIZES: [usize; 4] = [4 << 10, 64 << 10, 1 << 20, 64 << 20];

fn payload(c: &mut Criterion) {
    let pool = Pool::builder().build().expect("a pool");
    fn get<R: 'static>(pool: &Pool, call: Call<'_, R>) -> R {
        pool.spawn(call).and_then(Handle::get).expect("a worker answers")
    }
    let mut group = c.benchmark_group("payload");
    for size in SIZES {
        let (bytes, values) = (vec![7_u8; size], vec![7_u64; size / 8]);
        let mut buffer = vec![0_u8; size];
        let text = "x".repeat(size);
        group.throughput(Throughput::Bytes(size as u64));
        if size > 1 << 20 {
            group.sample_size(10);
        }
        let name = |what| BenchmarkId::new(what, size);
        group.bench_function(name("one copy"), |b| b.iter(|| buffer.copy_from_slice(black_box(&bytes))));
        group.bench_function(name("argument"), |b| b.iter(|| get(&pool, length::call(&bytes))));
        group.bench_function(name("&[u8] to Vec<u8>"), |b| b.iter(|| get(&pool, echo::call(&bytes))));
        group.bench_function(name("&[u8] to &[u8]"), |b| b.iter(|| get(&pool, hand_back::call(&bytes))));
        let lent = || -> Result<_> { pool.spawn(hand_back::call(&bytes))?.get_ref() };
        group.bench_function(name("&[u8] to &[u8], borrowed"), |b| {
            b.iter(|| lent().expect("a worker answers"))
        });
        group.bench_function(name("&[u64] to Vec<u64>"), |b| b.iter(|| get(&pool, numbers::call(&values))));
        group.bench_function(name("Vec<u8>"), |b| b.iter(|| get(&pool, keep::call(bytes.clone()))));
        group.bench_function(name("String"), |b| b.iter(|| get(&pool, repeat::call(text.clone()))));
        if size <= 1 << 20 {
            let call = || perhaps::call(Some(bytes.clone()));
            group.bench_function(name("Option<Vec<u8>>"), |b| b.iter(|| get(&pool, call())));
        }
    }
    group.finish();
}

criterion_group!(benches, payload);
criterion_main!(benches);
