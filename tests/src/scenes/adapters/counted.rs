//! What a manager is asked, and when: by one that counts.

use std::sync::Barrier;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use multicore::Pool;
use r2d2::ManageConnection;

use super::Site;
use super::counting::{Counts, End, Failure, Fate, Which, counts, use_it, use_it_twice};

/// One worker and what it does with one resource.
struct Stage {
    site: Site,
    which: Which,
}

impl Stage {
    fn of(which: Which) -> Stage {
        Stage { site: Site::of(1), which }
    }

    #[track_caller]
    fn uses(&self, fate: Fate, end: End) -> Result<u64, Failure> {
        self.site.call(use_it::call(self.which, fate, end))
    }

    /// Of a call in which nothing happens.
    #[track_caller]
    fn number(&self) -> Result<u64, Failure> {
        self.uses(Fate::Unchanged, End::Well)
    }

    #[track_caller]
    fn panics(&self, fate: Fate) {
        let ended = self.site.outcome(use_it::call(self.which, fate, End::Panics));
        assert!(matches!(ended, Err(multicore::Error::Panicked { .. })), "{ended:?}");
    }

    #[track_caller]
    fn check(&self, expected: Counts) {
        assert_eq!(self.site.call(counts::call()), expected);
    }
}

/// One manager, one connection, and nobody is asked whether it is valid while all goes well.
pub fn a_manager_is_made_once_and_so_is_its_connection() {
    let stage = Stage::of(Which::Kept);
    for _ in 0..5 {
        assert_eq!(stage.number(), Ok(1));
    }
    stage.check(Counts { managers: 1, connections: 1, looks: 5, ..Counts::default() });
    assert_eq!(stage.site.resources(), [1, 4, 0, 0]);
    stage.site.end();
}

/// `has_broken`, without a question to the other end.
pub fn a_connection_that_has_broken_is_replaced_at_once() {
    let stage = Stage::of(Which::Kept);
    assert_eq!(stage.uses(Fate::Broken, End::Well), Ok(1));
    stage.check(Counts { managers: 1, connections: 1, looks: 1, ends: 1, ..Counts::default() });
    assert_eq!(stage.uses(Fate::Broken, End::Fails), Err(Failure::Own));
    assert_eq!(stage.number(), Ok(3));
    assert_eq!(stage.site.call(use_it_twice::call(Which::Kept)), Ok((3, 4)));
    stage.check(Counts { managers: 1, connections: 4, looks: 5, ends: 3, ..Counts::default() });
    assert_eq!(stage.site.resources(), [4, 1, 0, 3]);
    stage.site.end();
}

/// Nobody is asked while a panic unwinds; so before the next use, and before anything is sent.
pub fn a_connection_that_a_panic_left_broken_is_replaced() {
    let mut stage = Stage::of(Which::Kept);
    stage.panics(Fate::Broken);
    assert_eq!(stage.number(), Ok(2));
    // With a check of the user's own as well.
    stage.which = Which::OwnCheck;
    stage.panics(Fate::Broken);
    assert_eq!(stage.number(), Ok(4));
    let counts = stage.site.call(counts::call());
    assert_eq!((counts.connections, counts.checks, counts.ends), (4, 0, 2));
    assert_eq!(stage.site.resources(), [4, 0, 2, 2]);
    stage.site.end();
}

/// `is_valid` is the check: after a call that failed, and after a panic.
pub fn is_valid_is_asked_after_a_failure() {
    let stage = Stage::of(Which::Kept);
    assert_eq!(stage.uses(Fate::Unchanged, End::Fails), Err(Failure::Own));
    assert_eq!((stage.number(), stage.number()), (Ok(1), Ok(1)));
    assert_eq!(stage.site.resources(), [1, 2, 1, 0]);
    stage.panics(Fate::Unchanged);
    assert_eq!((stage.number(), stage.number()), (Ok(1), Ok(1)));
    assert_eq!(stage.site.resources(), [1, 5, 2, 0]);
    // Invalid, and nobody has noticed.
    assert_eq!(stage.uses(Fate::Invalid, End::Well), Ok(1));
    assert_eq!(stage.number(), Ok(1));
    assert_eq!(stage.uses(Fate::Unchanged, End::Fails), Err(Failure::Own));
    assert_eq!(stage.number(), Ok(2));
    assert_eq!(stage.site.resources(), [2, 8, 3, 1]);
    assert_eq!(stage.site.call(counts::call()).checks, 3);
    stage.site.end();
}

/// `check_idle` asks `is_valid` as well.
pub fn is_valid_is_asked_in_each_call_where_idle_connections_are_checked() {
    let stage = Stage::of(Which::CheckedEachCall);
    assert_eq!((stage.number(), stage.number()), (Ok(1), Ok(1)));
    assert_eq!(stage.uses(Fate::Invalid, End::Well), Ok(1));
    assert_eq!(stage.number(), Ok(2));
    assert_eq!(stage.site.resources(), [2, 2, 3, 1]);
    assert_eq!(stage.site.call(counts::call()).checks, 3);
    stage.site.end();
}

/// `check = …` takes the place of `is_valid`.
pub fn a_check_of_the_users_own_takes_the_place_of_is_valid() {
    let stage = Stage::of(Which::OwnCheck);
    assert_eq!(stage.uses(Fate::Unchanged, End::Fails), Err(Failure::Own));
    assert_eq!(stage.number(), Ok(2), "the check finds the first one dead");
    assert_eq!(stage.uses(Fate::Invalid, End::Fails), Err(Failure::Own));
    assert_eq!(stage.number(), Ok(2), "the manager would find this one dead");
    assert_eq!(stage.site.resources(), [2, 2, 2, 1]);
    assert_eq!(stage.site.call(counts::call()).checks, 0);
    stage.site.end();
}

/// A connection is put in order after each call, and replaced where that fails.
pub fn a_managed_connection_is_reset_after_each_call() {
    let stage = Stage::of(Which::Reset);
    assert_eq!(stage.uses(Fate::Invalid, End::Fails), Err(Failure::Own));
    assert_eq!(stage.number(), Ok(1), "it was put in order before it was checked");
    assert_eq!((stage.uses(Fate::Broken, End::Well), stage.uses(Fate::Broken, End::Well)), (Ok(1), Ok(2)));
    assert_eq!(stage.number(), Ok(3));
    assert_eq!(stage.number(), Ok(4), "the third cannot be put in order");
    stage.check(Counts { managers: 1, connections: 4, checks: 1, looks: 7, ends: 4 });
    stage.site.end();
}

/// Age zero: the connection goes after each call, the manager stays.
pub fn a_managed_connection_of_age_zero_is_closed_after_each_call() {
    let stage = Stage::of(Which::EachCall);
    for number in 1..=3 {
        assert_eq!(stage.number(), Ok(number));
        stage.check(Counts { managers: 1, connections: number, looks: number, ends: number, checks: 0 });
    }
    assert_eq!(stage.site.resources(), [3, 0, 0, 3]);
    stage.site.end();
}

/// A function that gives no manager, and then a manager that gives no connection: each call has the error, as it is.
pub fn a_manager_that_cannot_be_made_is_asked_for_again() {
    let stage = Stage::of(Which::Late);
    assert_eq!(stage.number(), Err(Failure::NoManager));
    assert_eq!(stage.number(), Err(Failure::Refused(1)));
    assert_eq!((stage.number(), stage.number()), (Ok(2), Ok(2)));
    stage.check(Counts { managers: 2, connections: 2, looks: 2, ..Counts::default() });
    assert_eq!(stage.site.resources(), [1, 1, 0, 0]);
    stage.site.end();
}

static MANAGERS: AtomicU64 = AtomicU64::new(0);
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
static BOTH: Barrier = Barrier::new(2);

struct Plain;

impl ManageConnection for Plain {
    type Connection = u64;
    type Error = Failure;

    fn connect(&self) -> Result<u64, Failure> {
        Ok(CONNECTIONS.fetch_add(1, SeqCst) + 1)
    }

    fn is_valid(&self, _: &mut u64) -> Result<(), Failure> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u64) -> bool {
        false
    }
}

#[multicore::resource(r2d2)]
fn of_threads() -> Plain {
    MANAGERS.fetch_add(1, SeqCst);
    Plain
}

/// The number of this thread's connection, with another thread's in being.
#[multicore::task]
fn meets() -> Result<u64, Failure> {
    of_threads::with(|number| {
        BOTH.wait();
        *number
    })
}

/// Threads have a connection each, and a manager in common.
pub fn threads_have_one_manager_and_a_connection_each() {
    let pool = Pool::threads(2).expect("threads");
    for _ in 0..3 {
        let handles = [pool.spawn(meets::call()).unwrap(), pool.spawn(meets::call()).unwrap()];
        let mut numbers = handles.map(|handle| handle.get().unwrap().unwrap());
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2]);
    }
    assert_eq!((MANAGERS.load(SeqCst), CONNECTIONS.load(SeqCst)), (1, 2));
}
