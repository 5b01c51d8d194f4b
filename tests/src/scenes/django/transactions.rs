//! Transactions that a call leaves open: Django closes the connection when autocommit is off at a request's end.

use multicore::Handle;

use super::Site;
use crate::tasks::connections::{Kind, run, run_and_fail, run_and_panic};
use crate::watch::eventually;

/// How a call ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Well,
    Failed,
    Panicked,
}

/// A call that leaves a transaction open with a row in it; no other sees the row or waits for it.
fn leaves_a_transaction(kind: Kind, end: End) {
    let mut site = Site::of(1);
    // Of names that long the server would take a part.
    let table = format!("left_open_{}", std::process::id());
    site.admin.run(&format!("DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (number int PRIMARY KEY)"));
    let first = site.backend(kind);
    let statements = format!("BEGIN; INSERT INTO {table} VALUES (1)");
    match end {
        End::Well => site.call(run::call(kind, &statements)).expect("a connection"),
        End::Failed => {
            let told = site.call(run_and_fail::call(kind, &statements)).unwrap_err();
            assert_eq!(told, "as it was told");
        }
        End::Panicked => {
            let outcome = site.pool.spawn(run_and_panic::call(kind, &statements)).and_then(Handle::get);
            assert!(matches!(outcome, Err(multicore::Error::Panicked { .. })), "{outcome:?}");
        }
    }
    // Before any other call: nobody has to wait for whatever it locked.
    eventually("no transaction is open", || {
        site.connections().iter().all(|connection| connection.state == "idle")
    });
    site.admin.run(&format!("INSERT INTO {table} VALUES (1)"));
    // The next call has no part in it either: alone, this commits by itself.
    site.call(run::call(kind, &format!("INSERT INTO {table} VALUES (2)"))).expect("no conflict");
    assert_eq!(site.admin.number(&format!("SELECT sum(number) FROM {table}")), 3);
    let same = site.backend(kind) == first;
    // Without a check a panic replaces it.
    assert_eq!(same, end != End::Panicked || kind == Kind::TidyChecked);
}

/// After a call that ended well.
pub fn a_transaction_left_open_is_rolled_back_before_the_next_call() {
    leaves_a_transaction(Kind::Tidy, End::Well);
}

/// After a call that failed.
pub fn a_transaction_of_a_call_that_failed_is_rolled_back() {
    leaves_a_transaction(Kind::Tidy, End::Failed);
    leaves_a_transaction(Kind::TidyChecked, End::Failed);
}

/// After a call that panicked.
pub fn a_transaction_of_a_call_that_panicked_is_rolled_back() {
    leaves_a_transaction(Kind::Tidy, End::Panicked);
    leaves_a_transaction(Kind::TidyChecked, End::Panicked);
}

/// What would happen otherwise: the rule above shows something.
pub fn without_a_reset_a_transaction_stays_open() {
    let mut site = Site::of(1);
    site.call(run::call(Kind::Kept, "BEGIN")).expect("a connection");
    assert_eq!(site.connections()[0].state, "idle in transaction");
}

/// One whose connection died is replaced.
pub fn a_connection_that_cannot_be_rolled_back_is_replaced() {
    let mut site = Site::of(1);
    let first = site.backend(Kind::Tidy);
    let ended = site.call(run::call(Kind::Tidy, "BEGIN; SELECT pg_terminate_backend(pg_backend_pid())"));
    assert!(ended.is_err());
    let second = site.backend(Kind::Tidy);
    assert_ne!(second, first);
    site.has_only(vec![second]);
}
