//! Those of [Django's rules](super::django) that have a meaning without a server, with SQLite: what is open is seen by
//! the descriptors of its file.

use std::path::PathBuf;
use std::thread;

use multicore::{Call, Config, Error, Forked, Handle, Pool, fork};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::crew;
use crate::fixture::Folder;
use crate::procfs;
use crate::tasks::embedded::{
    FILE, Kind, count, execute, execute_and_fail, execute_and_panic, number, uses, uses_here, with,
};
use crate::tasks::whoami;
use crate::watch::eventually;

/// A pool, and the file that its connections have open.
struct Site {
    pool: Pool,
    file: PathBuf,
}

impl Site {
    fn new() -> Site {
        Site::of(2)
    }

    fn of(workers: usize) -> Site {
        let pool = Pool::builder().workers(workers).build().expect("a pool");
        Site { pool, file: PathBuf::from(std::env::var(FILE).expect("a file")) }
    }

    fn workers(&self) -> usize {
        crew::size(&self.pool)
    }

    #[track_caller]
    fn call<R: 'static>(&self, call: Call<'_, R>) -> R {
        crew::call(&self.pool, call)
    }

    /// One call in each worker, all at once.
    #[track_caller]
    fn everywhere(&self, kind: Kind) -> Vec<i64> {
        let folder = Folder::new();
        let outcomes =
            crew::everywhere(&self.pool, &folder, |path, workers| uses_here::call(kind, path, workers));
        outcomes.into_iter().map(|outcome| outcome.expect("a connection")).collect()
    }

    /// How many connections there are, in all processes.
    fn open(&self) -> usize {
        procfs::all().iter().map(|process| procfs::has_open(process.pid, &self.file)).sum()
    }

    #[track_caller]
    fn has_open(&self, expected: usize) {
        eventually(&format!("{expected} connections are open"), || self.open() == expected);
    }

    /// What the last goodbye removes.
    fn log(&self) -> PathBuf {
        self.beside("-wal")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    }
}

/// Each call has a connection of its own.
pub fn age_zero_closes_after_each_call() {
    let site = Site::new();
    for _ in 0..5 {
        assert_eq!(site.call(uses::call(Kind::EachCall)).expect("a connection"), 0);
        site.has_open(0);
    }
}

/// All calls of a worker have one.
pub fn no_age_keeps() {
    let site = Site::of(1);
    for before in 0..200 {
        assert_eq!(site.call(uses::call(Kind::Kept)).expect("a connection"), before);
    }
    assert_eq!(site.open(), 1);
}

/// However many calls there are.
pub fn as_many_connections_are_open_as_there_are_workers() {
    let site = Site::of(3);
    assert!(site.everywhere(Kind::Kept).iter().all(|&before| before == 0));
    for _ in 0..20 {
        let handles: Vec<_> =
            (0..100).map(|_| site.pool.spawn(uses::call(Kind::Kept)).expect("a slot")).collect();
        let least =
            handles.into_iter().map(|handle| handle.get().expect("a worker").expect("a connection")).min();
        assert!(least > Some(0), "a new connection");
        assert_eq!(site.open(), site.workers());
    }
}

/// A call that leaves a transaction open, which holds the database's only lock for writing; and ends in some way.
fn leaves_a_transaction(leave: impl FnOnce(&Site, &str)) {
    let site = Site::of(1);
    let own =
        |statements: &str| with(Kind::Own, |own| own.execute_batch(statements)).expect("the lock is free");
    own("CREATE TABLE IF NOT EXISTS left_open (number); DELETE FROM left_open");
    assert_eq!(site.call(uses::call(Kind::Tidy)).expect("a connection"), 0);
    leave(&site, "BEGIN IMMEDIATE; INSERT INTO left_open VALUES (1)");
    // Before any other call.
    own("INSERT INTO left_open VALUES (2)");
    site.call(execute::call(Kind::Tidy, "INSERT INTO left_open VALUES (4)")).expect("no transaction is open");
    assert_eq!(
        site.call(number::call(Kind::Tidy, "SELECT sum(number) FROM left_open")).expect("a number"),
        6
    );
    assert_eq!(site.call(uses::call(Kind::Tidy)).expect("a connection"), 1, "it is the same connection");
}

/// After a call that ended well.
pub fn a_transaction_left_open_is_rolled_back_before_the_next_call() {
    leaves_a_transaction(|site, statements| {
        site.call(execute::call(Kind::Tidy, statements)).expect("a connection");
    });
}

/// After a call that failed.
pub fn a_transaction_of_a_call_that_failed_is_rolled_back() {
    leaves_a_transaction(|site, statements| {
        let told = site.call(execute_and_fail::call(Kind::Tidy, statements)).unwrap_err();
        assert_eq!(told, "as it was told");
    });
}

/// After a call that panicked.
pub fn a_transaction_of_a_call_that_panicked_is_rolled_back() {
    leaves_a_transaction(|site, statements| {
        let outcome = site.pool.spawn(execute_and_panic::call(Kind::Tidy, statements)).and_then(Handle::get);
        assert!(matches!(outcome, Err(Error::Panicked { .. })), "{outcome:?}");
    });
}

/// The file's folder is not there, and then it is.
pub fn a_connection_that_cannot_be_made_is_tried_again_at_the_next_use() {
    let site = Site::of(1);
    let folder = site.file.parent().expect("a folder");
    let away = folder.with_extension("away");
    std::fs::rename(folder, &away).expect("one file system");
    for _ in 0..5 {
        let told = site.call(uses::call(Kind::Kept)).unwrap_err().to_string();
        assert!(told.contains("unable to open database file"), "{told}");
    }
    std::fs::rename(&away, folder).expect("one file system");
    for before in 0..5 {
        assert_eq!(site.call(uses::call(Kind::Kept)).expect("a connection"), before);
    }
}

/// The last one removes the log. With one worker: of two that close at the same moment neither may be the last.
pub fn a_worker_that_ends_closes_its_connection() {
    let site = Site::of(1);
    site.call(execute::call(Kind::Kept, "CREATE TABLE IF NOT EXISTS said (number)")).expect("a connection");
    assert!(site.open() == 1 && site.log().exists());
    site.pool.shutdown();
    site.has_open(0);
    assert!(!site.log().exists(), "nobody closed the database");
}

/// The kernel closes its file, and nobody removes the log; the next worker finds all that was committed.
pub fn a_killed_worker_costs_nothing_that_was_committed() {
    let site = Site::of(1);
    let statements =
        "CREATE TABLE killed (number); INSERT INTO killed VALUES (1); BEGIN; INSERT INTO killed VALUES (2)";
    site.call(execute::call(Kind::Kept, statements)).expect("a connection");
    kill(Pid::from_raw(site.call(whoami::call())), Signal::SIGKILL).expect("it lives");
    site.has_open(0);
    assert!(site.log().exists());
    let sum =
        || site.pool.spawn(number::call(Kind::Kept, "SELECT sum(number) FROM killed")).and_then(Handle::get);
    let mut found = None;
    eventually("another worker answers", || {
        found = sum().ok();
        found.is_some()
    });
    assert_eq!(found.expect("just seen").expect("a number"), 1);
}

fn own() -> i64 {
    with(Kind::Own, count).expect("a connection")
}

#[multicore::threaded]
fn in_a_thread() -> i64 {
    own()
}

/// Threads of `#[threaded]`, of the standard library, and those that panic.
pub fn a_thread_that_ends_closes_its_connection() {
    let site = Site::new();
    // Before this thread has one: SQLite keeps descriptors for as long as another connection of the process has locks.
    assert_eq!(in_a_thread().expect("a thread").join().expect("no panic"), 0);
    site.has_open(0);
    assert_eq!(thread::spawn(own).join().expect("no panic"), 0);
    site.has_open(0);
    assert!(thread::spawn(|| std::panic::resume_unwind(Box::new(own()))).join().is_err());
    site.has_open(0);
    assert_eq!(own(), 0);
    assert_eq!(thread::spawn(own).join().expect("no panic"), 0);
    assert_eq!(own(), 1, "this thread's is its own");
}

#[multicore::resource(client)]
fn nothing() -> u8 {
    0
}

/// Workers start by fork from a program that has a connection, and children are forked later, one of them in the
/// middle of a transaction.
pub fn what_was_made_before_a_fork_is_left_alone() {
    assert_eq!(own(), 0);
    multicore::initialize_with(Config::new().workers(2)).expect("one thread");
    let site = Site::new();
    assert_eq!(site.everywhere(Kind::Own), [0, 0], "theirs are new");
    assert_eq!(fork(|| (own(), own())).and_then(Forked::join).expect("a child"), (0, 1));
    site.pool.shutdown();
    multicore::shutdown();
    site.has_open(1);
    // In this mode, to close a connection is to undo its transaction, and to remove what it could be undone by.
    let begins =
        "PRAGMA journal_mode = delete; CREATE TABLE after (number); BEGIN; INSERT INTO after VALUES (1)";
    with(Kind::Own, |own| own.execute_batch(begins)).expect("it is as good as new");
    let journal = site.beside("-journal");
    assert!(journal.exists());
    fork(|| drop(nothing::get())).and_then(Forked::join).expect("a child that keeps something of its own");
    assert!(journal.exists(), "the child undid its parent's transaction");
    with(Kind::Own, |own| own.execute_batch("COMMIT")).expect("nobody ended it");
    assert!(!journal.exists());
    assert_eq!(own(), 1);
}

/// The scenes of this file that hold wherever calls run, given to a macro.
#[macro_export]
macro_rules! sqlite_scenes {
    ($($then:tt)*) => {
        $($then)*! { sqlite:
            age_zero_closes_after_each_call
            no_age_keeps
            as_many_connections_are_open_as_there_are_workers
            a_transaction_left_open_is_rolled_back_before_the_next_call
            a_transaction_of_a_call_that_failed_is_rolled_back
            a_transaction_of_a_call_that_panicked_is_rolled_back
            a_connection_that_cannot_be_made_is_tried_again_at_the_next_use
            a_worker_that_ends_closes_its_connection
            a_thread_that_ends_closes_its_connection
        }
    };
}

/// The scenes of this file about worker processes, given to a macro.
#[macro_export]
macro_rules! sqlite_process_scenes {
    ($($then:tt)*) => {
        $($then)*! { sqlite: a_killed_worker_costs_nothing_that_was_committed }
    };
}

/// The scenes of this file about programs with one thread that fork, given to a macro.
#[macro_export]
macro_rules! sqlite_fork_scenes {
    ($($then:tt)*) => {
        $($then)*! { sqlite: what_was_made_before_a_fork_is_left_alone }
    };
}
