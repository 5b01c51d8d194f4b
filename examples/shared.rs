//! A large array that every worker reads, made once and copied for none of them.

use multicore::{Shared, par_ranges};

/// The sum of each row's squares, say: what a worker does with its part.
#[multicore::task]
fn squares(chunk: &[f64]) -> f64 {
    chunk.iter().map(|x| x * x).sum()
}

/// A task that needs all of the data, and gets a part of it to work on besides.
#[multicore::task]
fn above_mean(all: Shared<[f64]>, start: usize, end: usize) -> usize {
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    all[start..end].iter().filter(|x| **x > mean).count()
}

fn main() -> multicore::Result<()> {
    // 8 MB, each value written once, to where it stays.
    let data = Shared::from_fn(1_000_000, |n| (n % 1000) as f64)?;

    // Each call carries the place of its chunk; the chunk stays where it is.
    let squares: f64 = par_ranges!(data, squares)?.iter().sum();
    assert_eq!(squares, data.iter().map(|x| x * x).sum::<f64>());

    let mut task = multicore::Task::new();
    for (start, end) in multicore::ranges(&data) {
        task.run(above_mean::call(data.clone(), start, end))?;
    }
    let above: usize = task.get()?.iter().sum();
    assert_eq!(above, 500_000);

    println!("{squares:e} is the sum of all squares, {above} values are above the mean");
    Ok(())
}
