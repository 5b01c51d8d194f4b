//! `map_reduce!`: what comes out, in which order, and what is left behind.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use multicore::{Error, Pool, Result, Sandbox, map_reduce};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::fixture::{Folder, in_family};
use crate::procfs;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks::pairs::{
    add, bad_words, concatenate, dying_total, first_dies, hang, list, longest, nested, panicking_total,
    remainder, spell, tell, total, words, words_of,
};

/// How many inputs most scenes have.
const INPUTS: u64 = 100;

/// What `map_reduce!` is compared with.
fn counted() -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    (0..INPUTS).flat_map(words_of).for_each(|(word, n)| *counts.entry(word).or_default() += n);
    counts
}

/// A pool, a folder for its files, and the check that neither has anything left of it afterwards.
#[track_caller]
fn leaving_nothing(scene: impl FnOnce(&Rig, &Path)) {
    let folder = Folder::new();
    with_pool(|rig| {
        let before = procfs::open_descriptors();
        scene(rig, folder.path());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file is left");
        assert_eq!(procfs::open_descriptors(), before, "no descriptor is left");
        rig.check();
    });
}

/// The pairs as they come, which has to be in the keys' order.
#[track_caller]
fn check<K: Ord + std::fmt::Debug, R: PartialEq + std::fmt::Debug>(
    pairs: impl Iterator<Item = Result<(K, R)>>,
    expected: &BTreeMap<K, R>,
) {
    let pairs: Vec<_> = pairs.collect::<Result<_>>().unwrap();
    assert!(pairs.iter().map(|(key, result)| (key, result)).eq(expected), "{pairs:?}");
}

/// However little memory there is: then there are a hundred runs and more, and they are merged in several passes.
pub fn counts_equal_a_map_whatever_the_memory() {
    let expected = counted();
    leaving_nothing(|rig, folder| {
        for memory in [2000, 100_000, 64 << 20] {
            let pool = &rig.pool;
            let folded = map_reduce!(
                0..INPUTS,
                map = words,
                combine = add,
                reduce = add,
                memory = memory,
                folder = folder,
                pool = pool
            );
            let folded = folded.unwrap();
            assert_eq!(folded.len(), expected.len());
            check(folded, &expected);
            for partitions in [1, 3] {
                let listed = map_reduce!(
                    0..INPUTS,
                    map = words,
                    reduce = total,
                    memory = memory,
                    partitions = partitions,
                    folder = folder,
                    pool = pool
                );
                check(listed.unwrap(), &expected);
            }
        }
    });
}

/// Also through a combiner that does not commute, and however often they were written and read.
pub fn values_come_in_the_order_of_the_inputs() {
    let mut lists = BTreeMap::<u64, Vec<u64>>::new();
    (0..1000).for_each(|n| lists.entry(n % 7).or_default().push(n));
    let spelled: BTreeMap<u64, String> =
        lists.iter().map(|(key, values)| (*key, values.iter().map(|n| format!("{n} ")).collect())).collect();
    leaving_nothing(|rig, folder| {
        for memory in [500, 64 << 20] {
            let pool = &rig.pool;
            let (of, in_order) = (folder, 0..1000);
            let listed = map_reduce!(
                in_order,
                map = remainder,
                reduce = list,
                memory = memory,
                folder = of,
                pool = pool
            );
            check(listed.unwrap(), &lists);
            // What it folds does not commute.
            let folded = map_reduce!(
                0..1000,
                map = spell,
                combine = concatenate,
                reduce = concatenate,
                memory = memory,
                folder = of,
                pool = pool
            );
            check(folded.unwrap(), &spelled);
            let one_by_one = map_reduce!(
                0..1000,
                map = spell,
                reduce = concatenate,
                memory = memory,
                folder = of,
                pool = pool
            );
            check(one_by_one.unwrap(), &spelled);
        }
    });
}

/// No input, one key, and keys that are all distinct.
pub fn few_and_many_keys_and_none() {
    leaving_nothing(|rig, folder| {
        let pool = &rig.pool;
        let none = map_reduce!(0..0, map = words, reduce = total, folder = folder, pool = pool).unwrap();
        assert!(none.is_empty());
        check(none, &BTreeMap::new());
        let one = map_reduce!(vec![7; 500], map = remainder, reduce = longest, folder = folder, pool = pool);
        check(one.unwrap(), &BTreeMap::from([(0, 500)]));
        let distinct = (0..2000u64).map(|n| n * 7919 % 10_007);
        let expected: BTreeMap<u64, u64> = distinct.clone().map(|n| (n, n)).collect();
        let each =
            map_reduce!(distinct, map = tell, reduce = add, memory = 2000, folder = folder, pool = pool);
        check(each.unwrap(), &expected);
    });
}

/// Inputs that take no time are many to a call, and no more than a payload holds.
pub fn a_small_payload_limit_holds_them_all() {
    let pool = builder().workers(2).payload_limit(1 << 12).build().unwrap();
    let keys = map_reduce!(0..20_000u64, map = remainder, reduce = longest, partitions = 1, pool = &pool);
    assert_eq!(keys.unwrap().map(|pair| pair.unwrap().1).sum::<usize>(), 20_000);
}

macro_rules! two_uses {
    ($inputs:expr) => {
        (
            map_reduce!($inputs, map = words, combine = add, reduce = add),
            map_reduce!($inputs, map = words, combine = add, reduce = add),
        )
    };
}

/// In one function, on one line, and by a macro that has one place in the source.
pub fn equal_uses_do_not_meet() {
    let expected = counted();
    let (a, b) = two_uses!(0..INPUTS);
    let (c, d) = two_uses!(0..INPUTS);
    let of = |n| map_reduce!(0..n, map = words, combine = add, reduce = add);
    for pairs in [a, b, c, d, of(INPUTS)] {
        check(pairs.unwrap(), &expected);
    }
}

/// Of the results, and of the inputs.
pub fn an_early_end_leaves_nothing() {
    leaving_nothing(|rig, folder| {
        let pool = &rig.pool;
        let mut pairs =
            map_reduce!(0..INPUTS, map = words, reduce = total, folder = folder, pool = pool).unwrap();
        let first = pairs.next().unwrap().unwrap();
        assert_eq!(Some((&first.0, &first.1)), counted().iter().next());
        drop(pairs);
        // The inputs end in the middle.
        let inputs = (0..INPUTS).map(|n| if n < INPUTS / 2 { n } else { panic!("no more inputs") });
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            drop(map_reduce!(inputs, map = words, reduce = total, folder = folder, pool = pool));
        }));
        assert!(caught.is_err());
    });
}

/// In a map task and in a reduce task, in every way.
pub fn what_fails_ends_all_and_leaves_nothing() {
    leaving_nothing(|rig, folder| {
        let pool = &rig.pool;
        let run = |inputs| {
            map_reduce!(inputs, map = bad_words, combine = add, reduce = add, folder = folder, pool = pool)
        };
        // Its own error comes as its own, and that of the first input.
        let refused = run(vec![1, 2, 3, 1000, 1001, 4]).unwrap().unwrap_err();
        assert_eq!(refused, "1000 is too much");
        let error = run(vec![1, 2, 2000, 1000]).unwrap_err();
        let Error::Panicked { task, message, location, .. } = &error else { panic!("{error}") };
        assert!(task.ends_with("pairs::bad_words") && message == "2000", "{error}");
        assert!(location.as_ref().is_some_and(|place| place.contains("pairs.rs")), "{error}");
        let error = run(vec![3000; 50]).unwrap_err();
        assert!(matches!(&error, Error::Died { task, .. } if task.ends_with("pairs::bad_words")), "{error}");
        assert_eq!(
            run(vec![1, 2]).unwrap().unwrap().len(),
            words_of(1).chain(words_of(2)).collect::<HashMap<_, _>>().len()
        );

        let error = map_reduce!(0..INPUTS, map = words, reduce = dying_total, folder = folder, pool = pool)
            .unwrap_err();
        assert!(
            matches!(&error, Error::Died { task, .. } if task.ends_with("pairs::dying_total")),
            "{error}"
        );
        let error =
            map_reduce!(0..INPUTS, map = words, reduce = panicking_total, folder = folder, pool = pool)
                .unwrap_err();
        assert!(
            matches!(&error, Error::Panicked { task, .. } if task.ends_with("pairs::panicking_total")),
            "{error}"
        );
    });
}

/// The others are ended as well.
pub fn a_call_over_its_time_ends_all() {
    leaving_nothing(|rig, folder| {
        let pool = &rig.pool;
        let timeout = Duration::from_millis(50);
        let late =
            map_reduce!(0..INPUTS, map = hang, reduce = add, timeout = timeout, folder = folder, pool = pool);
        let error = late.unwrap_err();
        assert!(matches!(&error, Error::TimedOut { task, .. } if task.ends_with("pairs::hang")), "{error}");
    });
}

/// The second time over it writes over what it wrote.
pub fn a_call_that_died_runs_again_where_it_may() {
    let notes = Folder::new();
    leaving_nothing(|rig, folder| {
        let pool = &rig.pool;
        let inputs = (0..INPUTS).map(|n| (notes.file("died"), n));
        let pairs = map_reduce!(
            inputs,
            map = first_dies,
            combine = add,
            reduce = add,
            retries = 1,
            memory = 2000,
            folder = folder,
            pool = pool
        );
        check(pairs.unwrap(), &counted());
        assert!(Path::new(&notes.file("died")).exists(), "one died");
    });
}

/// A task brings pairs together itself.
pub fn inside_a_worker_it_runs_there() {
    let expected = counted();
    with_pool(|rig| {
        let counts = rig.pool.spawn(nested::call(INPUTS)).unwrap().get().unwrap();
        assert_eq!(counts, expected);
    });
}

/// Options, folders and pools that cannot be.
pub fn what_makes_no_sense_is_said_so() {
    let config = |result: Result<_>| match result.map(drop).unwrap_err() {
        Error::Config { what, .. } => what,
        other => panic!("{other}"),
    };
    assert_eq!(config(map_reduce!(0..1, map = words, reduce = total, partitions = 0)), "partitions");
    assert_eq!(config(map_reduce!(0..1, map = words, reduce = total, workers = 0)), "workers");
    let error = map_reduce!(0..1, map = words, reduce = total, folder = "/nowhere").unwrap_err();
    assert!(matches!(&error, Error::Os { call: "open", .. }), "{error}");
    let sandboxed = Pool::builder().sandbox(Sandbox::new().without_landlock().without_seccomp()).workers(1);
    let sandboxed = in_family(sandboxed).build().unwrap();
    let refused = map_reduce!(0..1, map = words, reduce = total, pool = &sandboxed).unwrap_err();
    assert!(
        matches!(&refused, Error::Refused { .. }) && refused.to_string().contains("sandboxed"),
        "{refused}"
    );
}

/// What a limit leaves is used, and where it leaves nothing that is an error.
pub fn a_limit_on_descriptors_is_kept_or_told() {
    let expected = counted();
    leaving_nothing(|rig, folder| {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let limit = |soft| setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
        let run = || {
            let pool = &rig.pool;
            let (few, of) = (2000, folder);
            map_reduce!(
                0..INPUTS,
                map = words,
                reduce = total,
                workers = 100,
                memory = few,
                folder = of,
                pool = pool
            )
        };
        limit(64);
        check(run().unwrap(), &expected);
        // Two are free.
        let held: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        let last = held.len() as u64;
        drop(held);
        let held: Vec<_> = (2..last).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        check(run().unwrap(), &expected);
        let rest: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        let error = run().unwrap_err();
        assert!(matches!(&error, Error::Os { call: "open", .. }), "{error}");
        assert!(error.to_string().contains("ulimit -n"), "{error}");
        drop((held, rest));
        limit(soft);
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! map_reduce_scenes {
    ($($then:tt)*) => {
        $($then)*! { map_reduce:
            counts_equal_a_map_whatever_the_memory
            values_come_in_the_order_of_the_inputs
            few_and_many_keys_and_none
            a_small_payload_limit_holds_them_all
            equal_uses_do_not_meet
            an_early_end_leaves_nothing
            what_fails_ends_all_and_leaves_nothing
            a_call_over_its_time_ends_all
            a_call_that_died_runs_again_where_it_may
            inside_a_worker_it_runs_there
            what_makes_no_sense_is_said_so
            a_limit_on_descriptors_is_kept_or_told
        }
    };
}
