//! Forked and threaded functions in all their shapes, in a crate that forbids and denies a lot.
#![forbid(unsafe_code)]
#![deny(missing_docs, warnings, nonstandard_style)]

use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Borrows what could never travel.
#[multicore::forked]
pub fn total(values: &[Rc<u32>], extra: u32) -> u32 {
    values.iter().map(|value| **value).sum::<u32>() + extra
}

/// Neither argument nor result; the name of one of the macro's own.
#[multicore::forked(timeout = "20s", name = "nothing at all")]
fn forked() {
    #![allow(clippy::needless_return)]
    return;
}

/// Generic, with a condition and a pattern.
#[multicore::forked]
fn shown<'a, T, const N: usize>((first, mut rest): (&'a T, Vec<String>), _: [u8; N]) -> Vec<String>
where
    T: Display + ?Sized,
{
    rest.insert(0, format!("{first} {N}"));
    rest
}

/// By what it can do.
#[multicore::forked]
fn joined(parts: impl Iterator<Item = impl Display>, mut text: String) -> Result<String, String> {
    for part in parts {
        text += &part.to_string();
    }
    let number: u32 = text.parse().map_err(|_| format!("no number: {text}"))?;
    Ok(number.to_string())
}

/// With methods.
struct Counter {
    count: AtomicU32,
    step: Rc<u32>,
}

impl Counter {
    #[multicore::forked]
    fn next(&self) -> u32 {
        self.count.fetch_add(*self.step, Ordering::Relaxed) + *self.step
    }

    #[multicore::forked]
    fn last(self) -> u32 {
        self.count.into_inner()
    }

    #[multicore::forked]
    fn reset(&mut self, r#type: u32) -> u32 {
        *self.count.get_mut() = r#type;
        r#type
    }
}

/// Its arguments are its own.
#[multicore::threaded(name = "words")]
pub fn words(text: String, mut limit: usize, (low, high): (usize, usize)) -> Vec<String> {
    limit = limit.clamp(low, high);
    assert_eq!(std::thread::current().name(), Some("words"));
    text.split(' ').take(limit).map(str::to_owned).collect()
}

/// Generic.
#[multicore::threaded]
fn largest<T: Ord + Send + 'static>(values: Vec<T>, _: &'static str, also: impl Into<T> + Send + 'static) -> Option<T> {
    assert_eq!(std::thread::current().name(), Some("largest"));
    values.into_iter().chain([also.into()]).max()
}

struct Shared(AtomicU32);

impl Shared {
    #[multicore::threaded]
    fn add(self: Arc<Self>, n: u32) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    #[multicore::threaded]
    fn into(mut self) -> u32 {
        *self.0.get_mut() += 1;
        self.0.into_inner()
    }
}

trait Named {
    fn name(&self) -> multicore::Result<multicore::Forked<String>>;
}

impl Named for Counter {
    #[multicore::forked]
    fn name(&self) -> String {
        format!("counter {}", self.step)
    }
}

mod renamed {
    pub(crate) use multicore as other;

    #[multicore::forked(crate = other)]
    pub(crate) fn one() -> u8 {
        1
    }

    #[multicore::threaded(crate = other)]
    pub(crate) fn two() -> u8 {
        2
    }
}

/// Starts them all.
fn main() -> multicore::Result<()> {
    assert_eq!(total(&[Rc::new(1), Rc::new(2)], 3)?.join()?, 6);
    forked()?.join()?;
    assert_eq!(shown(("a", vec!["b".into()]), [0; 3])?.join()?, ["a 3", "b"]);
    assert_eq!(joined([1, 2].iter(), String::new())?.join()?, Ok("12".to_owned()));
    assert_eq!(joined(["x"].iter(), String::new())?.join()?, Err("no number: x".to_owned()));

    let mut counter = Counter { count: AtomicU32::new(5), step: Rc::new(2) };
    assert_eq!(counter.next()?.join()?, 7);
    assert_eq!(counter.reset(1)?.join()?, 1);
    assert_eq!(counter.name()?.join()?, "counter 2");
    assert_eq!(counter.count.load(Ordering::Relaxed), 5);
    assert_eq!(counter.last()?.join()?, 5);
    assert_eq!(renamed::one()?.join()?, 1);

    let counted = words("a b c d".into(), 9, (1, 2))?;
    assert_eq!(counted.join().expect("no panic"), ["a", "b"]);
    assert_eq!(largest(vec![1_u64, 7, 3], "text", 5_u32)?.join().expect("no panic"), Some(7));
    let shared = Arc::new(Shared(AtomicU32::new(1)));
    shared.clone().add(2)?.join().expect("no panic");
    assert_eq!(shared.0.load(Ordering::Relaxed), 3);
    assert_eq!(Shared(AtomicU32::new(1)).into()?.join().expect("no panic"), 2);
    assert_eq!(renamed::two()?.join().expect("no panic"), 2);
    Ok(())
}
