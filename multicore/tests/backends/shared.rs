//! Shared data.

use multicore::{Backend, Error, Shared, par_ranges, share};

use crate::stage::Stage;
use crate::tasks::{self, Job};

const LEN: usize = 10_000;

fn numbers() -> Shared<[u64]> {
    Shared::from_fn(LEN, |n| 3 * n as u64).unwrap()
}

fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

pub(crate) fn shared_data_travels_in_every_way(stage: &Stage) {
    let data = numbers();
    let expected = sum(&data);
    assert_eq!(stage.get(tasks::sum::call(&data)), expected);
    assert_eq!(stage.get(tasks::sum::call(&data[1..3])), 9);
    assert_eq!(stage.get(tasks::whole::call(data.clone())), expected);
    assert_eq!(stage.get(tasks::tail::call(&data, LEN - 1)), 3 * (LEN as u64 - 1));
    assert_eq!(stage.get(tasks::whole::call(data.slice(5..5))), 0);
    assert_eq!(stage.get(tasks::whole::call(share([]).unwrap())), 0);
    let parts = vec![data.slice(..10), data.clone(), share([1, 2]).unwrap()];
    let told = stage.get(tasks::job::call(Job { name: "sums".to_owned(), parts }));
    assert_eq!(told, ("sums".to_owned(), vec![sum(&data[..10]), expected, 3]));
    let pool = &stage.pool;
    assert_eq!(sum(&par_ranges!(data, tasks::sum, pool = pool).unwrap()), expected);
    let end = stage.end(tasks::keep_shared::call(data.clone()));
    if stage.is(Backend::Inline) {
        assert_eq!(end.unwrap().unwrap()[..], data[..], "nothing travels there");
    } else {
        let error = end.unwrap_err();
        assert!(matches!(error, Error::Encode { .. }), "{error:?}");
        assert!(error.to_string().contains("shared data travels only as an argument"), "{error}");
    }
    let built = Shared::build(3, |values: &mut [u64]| values[2] = 7).unwrap();
    assert_eq!(stage.get(tasks::whole::call(built)), 7);
    let read: Shared<[u64]> = Shared::read(&[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0][..]).unwrap();
    assert_eq!(stage.get(tasks::whole::call(read)), 3);
}

/// A call keeps what it names.
pub(crate) fn shared_data_outlives_its_owner_until_the_call_is_over(stage: &Stage) {
    if stage.is(Backend::Inline) {
        stage.open("gate");
    }
    let data = numbers();
    let expected = sum(&data);
    let handle = stage.spawn(tasks::read_later::call(&data, &stage.file("here"), &stage.file("gate")));
    drop(data);
    // Others take its place in the table, if not in memory.
    let others: Vec<_> = (0..10).map(|n| Shared::from_fn(LEN, |_| n).unwrap()).collect();
    stage.open("gate");
    assert_eq!(handle.get().unwrap(), expected);
    assert!(others.iter().zip(0..).all(|(other, n)| stage.get(tasks::sum::call(other)) == LEN as u64 * n));
}
