//! The recipe's `parallel_work(jobs, n)`: n workers take jobs from one queue and put results on another.

use std::error::Error;

use multicore::{Handle, Queue, Result};

/// A range of numbers to be searched for primes.
type Job = (u64, u64);

/// Which job it was, and how many primes there are.
type Found = (Job, usize);

fn is_prime(n: u64) -> bool {
    n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

fn primes((start, end): Job) -> usize {
    (start..end).filter(|n| is_prime(*n)).count()
}

/// What each of the n runs: it ends once the queue of jobs is closed and nothing is left in it.
#[multicore::task(error = "text")]
fn work(jobs: &Queue<Job>, results: &Queue<Found>) -> Result<usize> {
    let mut done = 0;
    for job in jobs {
        let job = job?;
        results.push((job, primes(job)))?;
        done += 1;
    }
    Ok(done)
}

/// Has `n` calls work the jobs off; the results, in the order in which they came.
fn parallel_work(jobs: &[Job], n: usize) -> Result<Vec<Found>, Box<dyn Error>> {
    let (queue, results) = (Queue::new(jobs.len())?, Queue::new(jobs.len())?);
    for job in jobs {
        queue.push(*job)?;
    }
    queue.close(); // no more will come
    let workers: Vec<Handle<_>> =
        (0..n).map(|_| work::call(&queue, &results).spawn()).collect::<Result<_>>()?;
    let mut done = 0;
    for worker in workers {
        done += worker.get()??;
    }
    assert_eq!(done, jobs.len());
    results.close();
    Ok(results.iter().collect::<Result<_>>()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let jobs: Vec<Job> = (0..100).map(|n| (n * 2000, (n + 1) * 2000)).collect();
    let mut found = parallel_work(&jobs, 4)?;
    found.sort_unstable();
    let expected: Vec<Found> = jobs.iter().map(|job| (*job, primes(*job))).collect();
    assert_eq!(found, expected);
    println!("{} jobs, {} primes below 200000", found.len(), found.iter().map(|(_, n)| n).sum::<usize>());
    Ok(())
}
