//! How long does one empty call take, there and back, when the workers are warm?

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use multicore::{Handle, Pool};

#[multicore::task]
fn empty() {}

fn round_trip(c: &mut Criterion) {
    let mut group = c.benchmark_group("round_trip");
    for (name, config) in
        [("as it is", Pool::builder()), ("without spinning", Pool::builder().spin(Duration::ZERO))]
    {
        let pool = config.build().expect("a pool");
        let call = || pool.spawn(empty::call()).and_then(Handle::get).expect("a worker answers");
        call();
        group.bench_function(format!("empty, {name}"), |b| b.iter(call));
    }
    group.finish();
}

criterion_group!(benches, round_trip);
criterion_main!(benches);
