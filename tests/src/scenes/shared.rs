//! Shared data as a value: it travels in every way, is made in every way, and is copied for no worker.

use std::ops::Range;

use multicore::{Error, Handle, Pool, Sandbox, Shared, par_ranges, share};
use serde::{Deserialize, Serialize};

use crate::fixture::in_family;
use crate::rig::with_pool;
use crate::tasks::sum;
use crate::wild::shared::mappings;

/// Enough for slices that are not copied.
pub(super) const LEN: usize = 100_000;

pub(super) fn numbers() -> Shared<[u64]> {
    Shared::from_fn(LEN, |n| n as u64 * 3).unwrap()
}

pub(super) fn sum_of(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

#[multicore::task]
fn lies_in_shared_data(chunk: &[u64]) -> bool {
    let at = chunk.as_ptr().addr();
    mappings(std::process::id() as i32).iter().any(|mapping| mapping.contains(&at))
}

#[multicore::task]
fn text_len(text: &str) -> usize {
    text.chars().count()
}

#[multicore::task]
fn bounds_sum(start: usize, end: usize) -> u64 {
    (start..end).map(|n| n as u64 * 3).sum()
}

#[multicore::task]
fn range_sum(range: Range<usize>) -> u64 {
    range.map(|n| n as u64 * 3).sum()
}

#[multicore::task]
fn owned(data: Shared<[u64]>) -> u64 {
    sum_of(&data)
}

#[multicore::task]
fn lent(data: &Shared<[u64]>, from: usize) -> u64 {
    sum_of(&data[from..])
}

#[derive(Serialize, Deserialize)]
struct Job {
    name: String,
    parts: Vec<Shared<[u64]>>,
    weights: Option<Shared<[f32]>>,
}

#[multicore::task]
fn job(job: Job) -> (String, u64, f32) {
    let weights: f32 = job.weights.iter().flat_map(|weights| weights.iter()).sum();
    (job.name, job.parts.iter().map(|part| sum_of(part)).sum(), weights)
}

#[multicore::task]
fn two(one: &[u64], other: &[u64], third: &[u8]) -> (u64, u64, usize) {
    (sum_of(one), sum_of(other), third.len())
}

#[multicore::task]
fn nested(data: Shared<[u64]>) -> u64 {
    let halves = par_ranges!(data, sum, ranges = 2).unwrap();
    let whole = owned::call(data.slice(..)).get().unwrap();
    assert_eq!(sum_of(&halves), whole);
    whole
}

#[multicore::task]
fn give_back(data: Shared<[u64]>) -> Option<Shared<[u64]>> {
    Some(data)
}

#[multicore::task]
fn part(data: &[u64]) -> &[u64] {
    &data[10..20]
}

pub(super) fn get<R: 'static>(pool: &Pool, call: multicore::Call<'_, R>) -> R {
    pool.spawn(call).and_then(Handle::get).unwrap()
}

/// By each shape of chunk function, and on pages' edges.
pub fn par_ranges_over_shared_data_equals_one_after_another() {
    with_pool(|rig| {
        let data = numbers();
        let pool = &rig.pool;
        let expected = sum_of(&data);
        assert_eq!(sum_of(&par_ranges!(data, sum, pool = pool).unwrap()), expected);
        assert_eq!(sum_of(&par_ranges!(&data[..], sum, pool = pool).unwrap()), expected);
        assert_eq!(sum_of(&par_ranges!(data, bounds_sum, pool = pool).unwrap()), expected);
        assert_eq!(sum_of(&par_ranges!(data, range_sum, pool = pool).unwrap()), expected);
        let shared = par_ranges!(data, lies_in_shared_data, pool = pool, ranges = 7).unwrap();
        assert_eq!(shared, [true; 7], "no chunk is copied");
        for at in [0, 1, 511, 512, LEN - 600] {
            for len in [0, 1, 511, 512, 513, 599] {
                assert_eq!(get(pool, sum::call(&data[at..at + len])), sum_of(&data[at..at + len]));
            }
        }
        assert!(!get(pool, lies_in_shared_data::call(&data[..511])), "a short slice is copied");
        let copy = Vec::from(&data[..]);
        assert!(!get(pool, lies_in_shared_data::call(&copy)), "and so is what is not shared");
    });
}

/// By value, by reference, in structs, several at once, text and bytes.
pub fn shared_data_travels_in_every_way() {
    with_pool(|rig| {
        let (data, pool) = (numbers(), &rig.pool);
        let expected = sum_of(&data);
        assert_eq!(get(pool, owned::call(data.clone())), expected);
        assert_eq!(get(pool, lent::call(&data, 10)), sum_of(&data[10..]));
        assert_eq!(get(pool, owned::call(data.slice(7..=8))), 7 * 3 + 8 * 3);
        assert_eq!(get(pool, owned::call(data.slice(5..5))), 0);
        for nothing in [share([]), Shared::build(0, |_| ()), Shared::read(std::io::empty())] {
            let nothing = nothing.unwrap();
            assert!(nothing.is_empty());
            assert_eq!(get(pool, owned::call(nothing)), 0);
        }
        let weights = Some(share([0.5; 4]).unwrap());
        let parts = vec![data.slice(..10), data.clone(), data.slice(10..)];
        let told = get(pool, job::call(Job { name: "a".to_owned(), parts, weights }));
        assert_eq!(told, ("a".to_owned(), 2 * expected, 2.0));
        let bytes = share(vec![7_u8; 10_000]).unwrap();
        assert_eq!(get(pool, two::call(&data, &data[1..], &bytes)), (expected, expected, 10_000));
        let text = "Größe ".repeat(1000);
        let shared = share(text.as_bytes()).unwrap();
        assert_eq!(get(pool, text_len::call(std::str::from_utf8(&shared).unwrap())), 6000);
        assert_eq!(get(pool, nested::call(data.clone())), expected);
        assert_eq!(get(pool, part::call(&data)), data[10..20], "a part of it is copied back");
    });
}

/// Written in order, in any order, of unknown length, read, and up to an error.
pub fn shared_data_is_made_in_every_way() {
    with_pool(|rig| {
        let expected: Vec<u64> = (0..LEN as u64).map(|n| n * 3).collect();
        let odd = Shared::collect(expected.iter().copied().filter(|n| n % 2 == 1)).unwrap();
        assert_eq!(odd.len(), LEN / 2);
        let built = Shared::build(LEN, |values: &mut [u64]| {
            assert_eq!(sum_of(values), 0);
            values.iter_mut().rev().zip(expected.iter().rev()).for_each(|(to, from)| *to = *from);
        });
        let bytes: Vec<u8> = expected.iter().flat_map(|n| n.to_ne_bytes()).collect();
        let read: Shared<[u64]> = Shared::read(&bytes[..]).unwrap();
        for data in [numbers(), built.unwrap(), read, share(&expected).unwrap()] {
            assert_eq!(data[..], expected);
            assert_eq!(get(&rig.pool, sum::call(&data)), sum_of(&expected));
        }
        let short = Shared::<[u64]>::read(&bytes[1..]).unwrap_err();
        assert!(matches!(short, Error::Config { .. }), "{short}");
        let failing = (0..10_u64).map(|n| if n < 9 { Ok(n) } else { Err(Error::Closed) });
        assert!(matches!(Shared::try_collect(failing), Err(Error::Closed)));
        let none = Shared::build(usize::MAX / 4, |_: &mut [u64]| ()).unwrap_err();
        assert!(matches!(none, Error::Os { .. }), "{none}");
    });
}

/// Neither from a task nor in a sandboxed pool, where slices are copied.
pub fn where_shared_data_cannot_go_says_why() {
    with_pool(|rig| {
        let data = numbers();
        let error = rig.pool.spawn(give_back::call(data.clone())).and_then(Handle::get).unwrap_err();
        assert!(matches!(&error, Error::Encode { .. }), "{error:?}");
        assert!(error.to_string().contains("shared data travels only as an argument"), "{error}");
        let sandbox = Sandbox::new().without_landlock().without_seccomp();
        let pool = in_family(Pool::builder().workers(1).sandbox(sandbox)).build().unwrap();
        let error = pool.spawn(owned::call(data.clone())).and_then(Handle::get).unwrap_err();
        assert!(matches!(&error, Error::Refused { .. }), "{error:?}");
        assert_eq!(get(&pool, sum::call(&data)), sum_of(&data));
        assert!(!get(&pool, lies_in_shared_data::call(&data)));
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! shared_scenes {
    ($($then:tt)*) => {
        $($then)*! { shared:
            par_ranges_over_shared_data_equals_one_after_another
            shared_data_travels_in_every_way
            shared_data_is_made_in_every_way
            where_shared_data_cannot_go_says_why
        }
    };
}
