//! What does it cost to await a call, beside waiting for it; one at a time, and many at once?

use criterion::{Criterion, criterion_group, criterion_main};
use multicore::{Handle, Pool, Task};

#[multicore::task]
fn empty() {}

/// Awaited at once.
const MANY: usize = 1000;

fn awaits(c: &mut Criterion) {
    let pool = Pool::builder().build().expect("a pool");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let spawn = || pool.spawn(empty::call()).expect("an open pool");
    spawn().get().expect("a worker answers");
    let mut group = c.benchmark_group("awaits");
    group.bench_function("one, got", |b| b.iter(|| spawn().get().expect("a worker answers")));
    group.bench_function("one, awaited on tokio", |b| {
        b.iter(|| runtime.block_on(async { spawn().await.expect("a worker answers") }));
    });
    group.bench_function("one, awaited on smol", |b| {
        b.iter(|| smol::block_on(spawn()).expect("a worker answers"));
    });
    group.bench_function("1000, got", |b| {
        b.iter(|| {
            let handles: Vec<Handle<()>> = (0..MANY).map(|_| spawn()).collect();
            handles.into_iter().for_each(|handle| handle.get().expect("a worker answers"));
        });
    });
    group.bench_function("1000, awaited by as many tasks of tokio", |b| {
        b.iter(|| {
            let tasks = tokio::task::LocalSet::new();
            for _ in 0..MANY {
                let handle = spawn();
                tasks.spawn_local(async move { handle.await.expect("a worker answers") });
            }
            runtime.block_on(tasks);
        });
    });
    group.bench_function("1000, a task awaited", |b| {
        b.iter(|| {
            let mut task = Task::on(&pool);
            (0..MANY).try_for_each(|_| task.run(empty::call())).expect("an open pool");
            runtime.block_on(async { task.await.expect("a worker answers") });
        });
    });
    group.finish();
}

criterion_group!(benches, awaits);
criterion_main!(benches);
