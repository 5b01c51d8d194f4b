//! How long do 1000 empty calls take that are all under way at once?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use multicore::{Pool, Task};

#[multicore::task]
fn empty() {}

const CALLS: usize = 1000;

/// Sends all calls off, then collects all results.
fn all(pool: &Pool) {
    let mut task = Task::on(pool);
    for _ in 0..CALLS {
        task.run(empty::call()).expect("the pool takes it");
    }
    task.get().expect("workers answer");
}

fn in_flight(c: &mut Criterion) {
    let mut group = c.benchmark_group("in_flight");
    group.throughput(Throughput::Elements(CALLS as u64));
    // Room for every call; and the default of 64 slots, where the client also clears finished ones.
    for slots in [1024, 64] {
        let pool = Pool::builder().slots(slots).build().expect("a pool");
        all(&pool);
        group.bench_function(format!("{CALLS} empty calls, {slots} slots"), |b| b.iter(|| all(&pool)));
    }
    group.finish();
}

criterion_group!(benches, in_flight);
criterion_main!(benches);
