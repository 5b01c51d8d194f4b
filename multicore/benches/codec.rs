//! What does each codec take for the same values, there and back?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use multicore::Codec;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Reading {
    station: String,
    values: [f64; 4],
}

#[multicore::task]
fn echo_numbers(numbers: Vec<u64>) -> Vec<u64> {
    numbers
}

#[multicore::task]
fn echo_readings(readings: Vec<Reading>) -> Vec<Reading> {
    readings
}

/// `Raw` takes plain numbers alone.
const OF_NUMBERS: &[Codec] = &[
    Codec::Bincode,
    Codec::Raw,
    #[cfg(feature = "json")]
    Codec::Json,
];
const OF_STRUCTS: &[Codec] = &[
    Codec::Bincode,
    #[cfg(feature = "json")]
    Codec::Json,
];

fn codec(c: &mut Criterion) {
    for (name, size) in [("64 KiB", 64 << 10), ("1 MiB", 1 << 20)] {
        let numbers: Vec<u64> = (0..size as u64 / 8).collect();
        let reading = Reading { station: "Ny-Ålesund".to_owned(), values: [0.5, 1.5, 2.5, 3.5] };
        let readings = vec![reading; size / 64];
        let mut group = c.benchmark_group(format!("codec, {name}"));
        group.sample_size(20).throughput(Throughput::Bytes(size as u64));
        for codec in OF_NUMBERS {
            group.bench_function(format!("numbers, {codec:?}"), |b| {
                b.iter(|| echo_numbers::call(numbers.clone()).codec(*codec).get().expect("a worker answers"));
            });
        }
        for codec in OF_STRUCTS {
            group.bench_function(format!("structs, {codec:?}"), |b| {
                b.iter(|| {
                    echo_readings::call(readings.clone()).codec(*codec).get().expect("a worker answers")
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
