//! `par_ranges!`: three shapes, every option, and errors in order.

use std::ops::Range;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use multicore::{Error, Items, Pool, par_ranges};
use multicore_tests::fixture::Folder;
use multicore_tests::rig::{Rig, with_pool};
use multicore_tests::tasks::{self, Job};
use multicore_tests::watch::{LONG, within};

static NUMBERS: LazyLock<Vec<u64>> = LazyLock::new(|| (0..1000).collect());

/// Runs a test on a pool of two workers.
fn on_a_pool(test: impl FnOnce(&Pool)) {
    within(LONG, || with_pool(|rig| test(&rig.pool)));
}

/// The chunks are these items, without a gap, in order.
#[track_caller]
fn covers(chunks: &[Range<usize>], bounds: Range<usize>) {
    assert!(chunks.windows(2).all(|pair| pair[0].end == pair[1].start), "{chunks:?}");
    assert!(chunks.iter().all(|chunk| !chunk.is_empty()), "{chunks:?}");
    let ends = chunks.first().map_or(bounds.start, |c| c.start)..chunks.last().map_or(bounds.end, |c| c.end);
    assert_eq!(ends, bounds);
}

struct Query;

impl Items for Query {
    fn bounds(&self) -> Range<usize> {
        0..37
    }
}

#[test]
fn a_chunk_function_takes_start_and_end_a_range_or_a_slice() {
    on_a_pool(|pool| {
        let pairs = par_ranges!(NUMBERS, tasks::start_end, pool = pool).unwrap();
        covers(&pairs.into_iter().map(|(start, end)| start..end).collect::<Vec<_>>(), 0..1000);
        covers(&par_ranges!(NUMBERS, tasks::in_range, pool = pool).unwrap(), 0..1000);
        assert_eq!(par_ranges!(NUMBERS, tasks::sum, pool = pool).unwrap().iter().sum::<u64>(), 499_500);
    });
}

#[test]
fn items_are_whatever_can_be_counted() {
    on_a_pool(|pool| {
        let sum = |sums: multicore::Result<Vec<u64>>| sums.unwrap().iter().sum::<u64>();
        let vector: Vec<u64> = vec![1, 2, 3, 4, 5];
        assert_eq!(sum(par_ranges!(vector, tasks::sum, pool = pool)), 15);
        assert_eq!(sum(par_ranges!(&vector, tasks::sum, pool = pool)), 15);
        assert_eq!(sum(par_ranges!(vector[1..3], tasks::sum, pool = pool)), 5);
        assert_eq!(sum(par_ranges!([1, 2, 3], tasks::sum, pool = pool)), 6);
        assert_eq!(sum(par_ranges!(Arc::new(vector.clone()), tasks::sum, pool = pool)), 15);
        assert_eq!(sum(par_ranges!(vector.into_boxed_slice(), tasks::sum, pool = pool)), 15);
        covers(&par_ranges!(Query, tasks::in_range, pool = pool).unwrap(), 0..37);
        covers(&par_ranges!(500..777, tasks::in_range, pool = pool).unwrap(), 500..777);
        let one = par_ranges!(41..42, tasks::start_end, pool = pool).unwrap();
        assert_eq!(one, [(41, 42)]);
    });
}

#[test]
fn no_items_are_no_chunks() {
    on_a_pool(|pool| {
        let nothing: Vec<u64> = Vec::new();
        assert_eq!(par_ranges!(nothing, tasks::sum, pool = pool).unwrap(), [0; 0]);
        assert_eq!(par_ranges!(nothing, tasks::sum, inline = true).unwrap(), [0; 0]);
        assert_eq!(par_ranges!(5..5, tasks::in_range, pool = pool, ranges = 3).unwrap(), []);
    });
}

#[test]
fn boundaries_depend_on_length_options_and_the_size_of_the_pool_alone() {
    within(LONG, || {
        let pools = [1, 2, 2, 3].map(|workers| Pool::builder().workers(workers).build().unwrap());
        let chunks = |pool: &Pool| par_ranges!(0..1000, tasks::in_range, pool = pool).unwrap();
        let all: Vec<_> = pools.iter().map(chunks).collect();
        assert_eq!(all[1], all[2]);
        assert!(all[0].len() < all[1].len() && all[2].len() < all[3].len());
        // Under load too.
        let naps: Vec<_> = (0..4).map(|_| pools[1].spawn(tasks::nap::call(20)).unwrap()).collect();
        assert_eq!(chunks(&pools[1]), all[1]);
        naps.into_iter().for_each(|nap| assert_eq!(nap.get().unwrap(), 20));
        for pool in &pools {
            let sixteen = par_ranges!(0..1000, tasks::in_range, pool = pool, ranges = 16).unwrap();
            assert_eq!(sixteen.len(), 16);
            covers(&sixteen, 0..1000);
            assert!(sixteen.iter().all(|chunk| (62..=63).contains(&chunk.len())));
        }
    });
}

#[test]
fn options_set_the_number_and_the_least_size_of_chunks() {
    on_a_pool(|pool| {
        assert_eq!(par_ranges!(0..5, tasks::in_range, pool = pool, ranges = 9).unwrap().len(), 5);
        assert_eq!(
            par_ranges!(10..20, tasks::start_end, pool = pool, ranges = 2).unwrap(),
            [(10, 15), (15, 20)]
        );
        let least = par_ranges!(0..100, tasks::in_range, pool = pool, min_range_size = 30).unwrap();
        covers(&least, 0..100);
        assert!(least.iter().all(|chunk| chunk.len() >= 30), "{least:?}");
        let whole = par_ranges!(0..100, tasks::start_end, pool = pool, min_range_size = 1000).unwrap();
        assert_eq!(whole, [(0, 100)]);
    });
}

#[test]
fn one_at_a_time_is_one_at_a_time() {
    on_a_pool(|pool| {
        let folder = Folder::new();
        let jobs = jobs(&folder, 5, |_| 5);
        let done = par_ranges!(jobs, tasks::work, pool = pool, ranges = 5, workers = 1).unwrap();
        assert_eq!(done, [0, 1, 2, 3, 4]);
        // Each has ended before the next begins.
        assert_eq!(notes(&folder), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    });
}

fn jobs(folder: &Folder, count: u64, milliseconds: fn(u64) -> u64) -> Vec<Job> {
    let path = folder.file("notes");
    (0..count).map(|n| Job { path: path.clone(), number: n, milliseconds: milliseconds(n) }).collect()
}

fn notes(folder: &Folder) -> Vec<u64> {
    let text = std::fs::read_to_string(folder.file("notes")).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn the_first_error_in_order_comes_when_every_chunk_has_settled() {
    on_a_pool(|pool| {
        let folder = Folder::new();
        // 7 panics later than 13.
        let jobs = jobs(&folder, 20, |n| if n == 7 { 100 } else { 1 });
        let error = par_ranges!(jobs, tasks::work, pool = pool, ranges = 20).unwrap_err();
        let Error::Panicked { message, .. } = &error else { panic!("{error:?}") };
        assert_eq!(message, "unlucky 7");
        let mut notes = notes(&folder);
        notes.sort_unstable();
        assert_eq!(notes, (0..20).flat_map(|n| [n, n]).collect::<Vec<_>>(), "all have begun and ended");
    });
}

#[test]
fn what_cannot_be_sent_is_an_error_in_order_too() {
    within(LONG, || {
        let rig = Rig::with(Pool::builder().workers(2).payload_limit(4096));
        let pool = &rig.pool;
        let mut items = vec![vec![1u8; 10]; 10];
        items[6] = vec![1; 100_000];
        let error = par_ranges!(items, tasks::sizes, pool = pool, ranges = 10).unwrap_err();
        assert!(matches!(error, Error::TooLarge { need: 100_000.., .. }), "{error:?}");
        items[6].truncate(10);
        assert_eq!(par_ranges!(items, tasks::sizes, pool = pool, ranges = 10).unwrap(), [10; 10]);
        rig.end();
    });
}

#[test]
fn each_chunk_has_its_own_time() {
    on_a_pool(|pool| {
        let limit = Duration::from_millis(300);
        // All chunks together take longer.
        let done = par_ranges!(0..1000, tasks::naps, pool = pool, ranges = 20, timeout = limit).unwrap();
        assert_eq!(done, [50; 20]);
        let error =
            par_ranges!(0..100_000, tasks::naps, pool = pool, ranges = 2, timeout = limit).unwrap_err();
        assert!(matches!(error, Error::TimedOut { limit: told, .. } if told == limit), "{error:?}");
    });
}

#[test]
fn inline_is_this_process_and_refused_where_isolation_is_asked_for() {
    on_a_pool(|pool| {
        let own = std::process::id() as i32;
        let here = |pids: multicore::Result<Vec<i32>>| pids.map(|pids| pids.iter().all(|pid| *pid == own));
        assert!(!here(par_ranges!(0..4, tasks::ran_in, pool = pool)).unwrap());
        assert!(!here(par_ranges!(0..1, tasks::ran_in, pool = pool)).unwrap(), "one chunk is a chunk");
        assert!(here(par_ranges!(0..4, tasks::ran_in, pool = pool, inline = true)).unwrap());
        assert!(!here(par_ranges!(0..4, tasks::ran_in, pool = pool, inline = false)).unwrap());
        assert!(here(par_ranges!(0..4, tasks::ran_in, pool = pool, max_load_average = 0.0)).unwrap());
        let second = Duration::from_secs(1);
        let refused = [
            par_ranges!(0..4, tasks::ran_in, pool = pool, inline = true, timeout = second),
            par_ranges!(0..4, tasks::ran_in, pool = pool, max_load_average = 0.0, timeout = second),
            par_ranges!(0..4, tasks::ran_isolated, pool = pool, inline = true),
            par_ranges!(0..4, tasks::ran_isolated, pool = pool, max_load_average = 0.0),
        ];
        for end in refused {
            assert!(matches!(end, Err(Error::Refused { .. })), "{end:?}");
        }
        assert!(!here(par_ranges!(0..4, tasks::ran_isolated, pool = pool)).unwrap());
        let folder = Folder::new();
        let error = par_ranges!(jobs(&folder, 9, |_| 0), tasks::work, inline = true, ranges = 9).unwrap_err();
        assert!(matches!(&error, Error::Panicked { message, .. } if message == "unlucky 7"), "{error:?}");
        assert_eq!(notes(&folder).len(), 18, "all have settled");
    });
}

#[test]
fn options_that_make_no_sense_are_errors() {
    let check = |end: multicore::Result<Vec<Range<usize>>>, name: &str| match end {
        Err(Error::Config { what, .. }) => assert_eq!(what, name),
        other => panic!("{name}: {other:?}"),
    };
    check(par_ranges!(0..9, tasks::in_range, ranges = 0), "ranges");
    check(par_ranges!(0..9, tasks::in_range, workers = 0), "workers");
    check(par_ranges!(0..9, tasks::in_range, ranges = 2, min_range_size = 2), "ranges");
    check(par_ranges!(0..9, tasks::in_range, max_load_average = 85.0), "max_load_average");
    check(par_ranges!(0..9, tasks::in_range, max_load_average = f64::NAN), "max_load_average");
}

#[test]
fn the_default_pool_needs_no_set_up() {
    within(LONG, || {
        covers(&par_ranges!(0..1000, tasks::in_range).unwrap(), 0..1000);
        let mut task = multicore::Task::new();
        for (start, end) in multicore::ranges(&NUMBERS) {
            task.run(tasks::start_end::call(start, end)).unwrap();
        }
        let pairs: Vec<_> = task.get().unwrap().into_iter().map(|(start, end)| start..end).collect();
        covers(&pairs, 0..1000);
    });
}

#[test]
fn a_closed_pool_takes_no_chunk() {
    let pool = Pool::builder().workers(1).build().unwrap();
    pool.shutdown();
    let end = par_ranges!(0..9, tasks::in_range, pool = &pool);
    assert!(matches!(end, Err(Error::Closed)), "{end:?}");
}
