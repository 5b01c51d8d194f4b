//! How long do many empty calls take that are under way at once?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use multicore::{Pool, Task, par_ranges};

#[multicore::task]
fn empty() {}

#[multicore::task]
fn chunk(_start: usize, _end: usize) {}

const CALLS: usize = 1000;

/// Sends all calls off, then collects all results.
fn all(pool: &Pool) {
    let mut task = Task::on(pool);
    for _ in 0..CALLS {
        task.run(empty::call()).expect("the pool takes it");
    }
    task.get().expect("workers answer");
}

fn batch(c: &mut Criterion) {
    let mut group = c.benchmark_group("batch");
    group.throughput(Throughput::Elements(CALLS as u64));
    // The default number of slots, with room for every call; and fewer, where the client also clears finished ones.
    for (name, config) in [("default slots", Pool::builder()), ("64 slots", Pool::builder().slots(64))] {
        let pool = config.build().expect("a pool");
        all(&pool);
        group.bench_function(format!("{CALLS} empty calls, {name}"), |b| b.iter(|| all(&pool)));
    }
    group.finish();

    let pool = Pool::builder().build().expect("a pool");
    let items = 0..CALLS;
    let mut group = c.benchmark_group("chunks");
    for ranges in [2, 16, CALLS] {
        group.bench_function(format!("par_ranges! over {ranges} empty chunks"), |b| {
            b.iter(|| par_ranges!(items, chunk, pool = &pool, ranges = ranges).expect("workers answer"));
        });
    }
    group.finish();
}

criterion_group!(benches, batch);
criterion_main!(benches);
