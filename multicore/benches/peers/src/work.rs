//! The work that the jobs hand out, the same for whoever does it.

use std::hint::black_box;
use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Below this number J4 counts primes.
pub const PRIMES_BELOW: u64 = 9_000_000;

/// J6 renders so many users.
pub const USERS: u64 = 100;

/// And each takes so long.
pub const USER_TIME: Duration = Duration::from_millis(10);

/// The sum of n + 1, each n taken on its own.
pub fn sum_of_next(range: Range<u64>) -> u64 {
    range.map(|n| black_box(n) + 1).sum()
}

/// How many primes are in the range, found by trial division: later ranges take longer.
pub fn primes(range: Range<u64>) -> u64 {
    range.filter(|&n| is_prime(n)).count() as u64
}

/// Whether it is one.
pub fn is_prime(n: u64) -> bool {
    if n < 4 {
        return n > 1;
    }
    if n.is_multiple_of(2) {
        return false;
    }
    let divisors = (3..).step_by(2).take_while(|d| d * d <= n);
    divisors.into_iter().all(|d| !n.is_multiple_of(d))
}

/// What a template engine and a database would take so long for.
pub fn render(users: Range<u64>) -> String {
    let one = |user| {
        sleep(USER_TIME);
        format!("<li>user {user}</li>\n")
    };
    users.map(one).collect()
}

/// Computes for so many turns.
pub fn burn(turns: u64) -> u64 {
    (0..turns).fold(0x9E37_79B9_7F4A_7C15, |x: u64, _| {
        let x = black_box(x ^ (x << 13));
        x ^ (x >> 7)
    })
}

/// How many turns of [`burn`] take this long, as measured now.
pub fn turns_in(time: Duration) -> u64 {
    let trial = 200_000;
    let fastest = (0..20)
        .map(|_| {
            let start = Instant::now();
            black_box(burn(black_box(trial)));
            start.elapsed()
        })
        .min();
    let fastest = fastest.unwrap_or_default().as_secs_f64();
    (trial as f64 * time.as_secs_f64() / fastest).round() as u64
}

/// Looks at 64 places of the bytes, evenly spread.
pub fn glance(bytes: &[u8]) -> u64 {
    let step = (bytes.len() / 64).max(1);
    bytes.iter().step_by(step).map(|&byte| u64::from(byte)).sum()
}

/// `0..len` in `count` parts of equal length.
pub fn equal_parts(len: u64, count: u64) -> Vec<Range<u64>> {
    (0..count).map(|i| len * i / count..len * (i + 1) / count).collect()
}
