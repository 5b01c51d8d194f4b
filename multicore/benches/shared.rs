//! How long does shared data take to be made, to reach two running workers, and to be named once they have it?
//! `SHARED_MIB` sets its size; 64 unless set.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use multicore::{Handle, Pool, Shared, share};

/// The first and the last value, and which worker looked.
#[multicore::task]
fn ends(data: &[u64]) -> (u64, i32) {
    (data[0] ^ data[data.len() - 1], std::process::id() as i32)
}

#[multicore::task]
fn sum(data: &[u64]) -> u64 {
    data.iter().sum()
}

/// From the first spawn until both workers have answered.
fn until_both_saw(pool: &Pool, data: &[u64]) -> Duration {
    let start = Instant::now();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let handles = [(); 2].map(|()| pool.spawn(ends::call(data)).expect("a call"));
        for (_, worker) in handles.map(|handle| handle.get().expect("an answer")) {
            assert_ne!(worker, std::process::id() as i32);
            if !seen.contains(&worker) {
                seen.push(worker);
            }
        }
    }
    start.elapsed()
}

fn shared(c: &mut Criterion) {
    let mib = std::env::var("SHARED_MIB").map_or(64, |text| match text.parse() {
        Ok(mib @ 1_usize..) => mib,
        _ => panic!("SHARED_MIB is `{text}`, and has to be a number of MiB, at least 1"),
    });
    let len = mib << 17;
    let pool = Pool::builder().workers(2).build().expect("a pool");
    let copied: Vec<u64> = (0..len as u64).collect();
    let mut group = c.benchmark_group(format!("shared {mib} MiB"));
    group.sample_size(10);
    group.bench_function("made by from_fn", |b| {
        b.iter_with_large_drop(|| Shared::from_fn(len, |n| n as u64).expect("memory"));
    });
    group.bench_function("made by share, without making the vector", |b| {
        b.iter_with_large_drop(|| share(&copied).expect("memory"));
    });
    group.bench_function("made by build", |b| {
        let fill = |values: &mut [u64]| values.iter_mut().zip(0..).for_each(|(value, n)| *value = n);
        b.iter_with_large_drop(|| Shared::build(len, fill).expect("memory"));
    });
    group.bench_function("visible in two workers", |b| {
        b.iter_custom(|times| {
            let one = |_| {
                let data = Shared::from_fn(len, |n| n as u64).expect("memory");
                until_both_saw(&pool, &data)
            };
            (0..times).map(one).sum()
        });
    });
    let data = Shared::from_fn(len, |n| n as u64).expect("memory");
    until_both_saw(&pool, &data);
    group.bench_function("named by one call, known to its worker", |b| {
        b.iter(|| pool.spawn(ends::call(black_box(&data))).and_then(Handle::get).expect("an answer"));
    });
    group.bench_function("summed by one call", |b| {
        b.iter(|| pool.spawn(sum::call(black_box(&data))).and_then(Handle::get).expect("an answer"));
    });
    group.finish();
    let mut group = c.benchmark_group("a slice of 4 KiB");
    group.bench_function("shared", |b| {
        b.iter(|| pool.spawn(ends::call(black_box(&data[..512]))).and_then(Handle::get).expect("an answer"));
    });
    group.bench_function("copied", |b| {
        b.iter(|| {
            pool.spawn(ends::call(black_box(&copied[..512]))).and_then(Handle::get).expect("an answer")
        });
    });
    group.finish();
}

criterion_group!(benches, shared);
criterion_main!(benches);
