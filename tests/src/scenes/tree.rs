//! `tree_reduce`: results folded pairwise in the workers.

use multicore::Error;

use crate::rig::with_pool;
use crate::tasks::pairs::{add, careful, concatenate, text};

/// Whatever their number, though the merge does not commute.
pub fn a_tree_equals_one_after_another() {
    with_pool(|rig| {
        for count in (0..35).chain([1000]) {
            let folded = rig.pool.tree_reduce::<concatenate>((0..count).map(text::call)).unwrap();
            let expected = (0..count).map(text).reduce(concatenate);
            assert_eq!(folded, expected, "{count}");
        }
    });
}

/// In whatever process that runs its calls.
pub fn a_tree_grows_on_the_default_pool() {
    assert_eq!(multicore::tree_reduce::<add>((0..10).map(|n| add::call(n, n))).unwrap(), Some(90));
}

/// And none after an error.
pub fn a_tree_takes_calls_as_it_needs_them() {
    with_pool(|rig| {
        let taken = std::cell::Cell::new(0);
        let calls = (0..1000).map(|n| {
            taken.set(taken.get() + 1);
            text::call(if n == 5 { 13 } else { 0 })
        });
        let error = rig.pool.tree_reduce::<careful>(calls).unwrap_err();
        assert!(
            matches!(&error, Error::Panicked { message, .. } if message == "an unlucky number"),
            "{error}"
        );
        assert!(taken.get() < 50, "{} were taken", taken.get());
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! tree_scenes {
    ($($then:tt)*) => {
        $($then)*! { tree:
            a_tree_equals_one_after_another
            a_tree_grows_on_the_default_pool
            a_tree_takes_calls_as_it_needs_them
        }
    };
}
