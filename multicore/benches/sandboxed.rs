//! How much longer does a call take whose worker sits in a sandbox, and which is handed to it?

use criterion::{Criterion, criterion_group, criterion_main};
use multicore::{Pool, Sandbox};

#[multicore::task]
fn empty() {}

#[multicore::task]
fn length(text: &str) -> usize {
    text.len()
}

fn sandboxed(c: &mut Criterion) {
    let text = "x".repeat(1 << 20);
    let mut group = c.benchmark_group("sandboxed");
    for (name, config) in [("plain", Pool::builder()), ("sandboxed", Pool::builder().sandbox(Sandbox::new()))]
    {
        let pool = config.build().expect("a pool");
        let empty = || pool.spawn(empty::call()).and_then(multicore::Handle::get).expect("a worker answers");
        let length =
            || pool.spawn(length::call(&text)).and_then(multicore::Handle::get).expect("a worker answers");
        empty();
        group.bench_function(format!("{name}, empty"), |b| b.iter(empty));
        group.bench_function(format!("{name}, 1 MiB of text as argument"), |b| b.iter(length));
    }
    group.finish();
}

criterion_group!(benches, sandboxed);
criterion_main!(benches);
