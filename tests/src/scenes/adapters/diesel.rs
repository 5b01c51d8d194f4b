//! `diesel`'s manager, on its SQLite: a connection that is given back within a transaction has broken.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{ConnectionManager, Error as ManagerError};
use diesel::result::{ConnectionError, Error};
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};

use super::{Site, database, folder};

type Manager = ConnectionManager<SqliteConnection>;

fn manager() -> Manager {
    Manager::new(database().to_string_lossy())
}

#[multicore::resource(r2d2)]
fn kept() -> Manager {
    manager()
}

#[multicore::resource(r2d2, check = |_| true)]
fn own_check() -> Manager {
    manager()
}

#[multicore::resource(r2d2, reset = roll_back, max_age = "10m")]
fn tidy() -> Manager {
    manager()
}

/// Of transactions that `diesel` knows, and of those that it does not.
fn roll_back(connection: &mut SqliteConnection) -> bool {
    // Outside of one it is an error.
    let _ = connection.batch_execute("ROLLBACK");
    connection.batch_execute("SELECT 1").is_ok()
}

/// In a folder that is not there at first.
#[multicore::resource(r2d2)]
fn strict() -> Result<Manager, ManagerError> {
    Ok(Manager::new(folder().join("inner/db").to_string_lossy()))
}

/// Which connection.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
enum Which {
    Kept,
    OwnCheck,
    Tidy,
}

fn with<R>(
    which: Which,
    f: impl FnOnce(&mut SqliteConnection) -> Result<R, Error>,
) -> Result<R, diesel::r2d2::Error> {
    let value = match which {
        Which::Kept => kept::with(f)?,
        Which::OwnCheck => own_check::with(f)?,
        Which::Tidy => tidy::with(f)?,
    };
    Ok(value?)
}

/// In a row of this connection's own table, which ends with it, and in one of the file: how many it has of the first
/// kind, and how many the file has, both as far as this connection can see.
fn add(connection: &mut SqliteConnection) -> Result<(i64, i64), Error> {
    connection.batch_execute(
        "PRAGMA busy_timeout = 60000;
         CREATE TABLE IF NOT EXISTS rows (n);
         CREATE TEMP TABLE IF NOT EXISTS uses (n);",
    )?;
    sql_query("INSERT INTO uses VALUES (1)").execute(connection)?;
    sql_query("INSERT INTO rows VALUES (1)").execute(connection)?;
    let count = |table, connection: &mut SqliteConnection| {
        let query = diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("SELECT count(*) FROM {table}"));
        query.get_result(connection)
    };
    Ok((count("uses", connection)?, count("rows", connection)?))
}

#[multicore::task(error = "text")]
fn add_one(which: Which) -> Result<(i64, i64), ManagerError> {
    with(which, add)
}

/// In a transaction that is committed, or rolled back.
#[multicore::task(error = "text")]
fn add_in_transaction(which: Which, well: bool) -> Result<(i64, i64), ManagerError> {
    with(which, |connection| {
        connection.transaction(|connection| {
            let counted = add(connection)?;
            if well { Ok(counted) } else { Err(Error::RollbackTransaction) }
        })
    })
}

/// Begins a transaction by hand, and leaves it open.
#[multicore::task(error = "text")]
fn leave_open(which: Which) -> Result<(i64, i64), ManagerError> {
    with(which, |connection| {
        AnsiTransactionManager::begin_transaction(connection)?;
        add(connection)
    })
}

/// Begins one that `diesel` does not know of.
#[multicore::task(error = "text")]
fn leave_open_unseen(which: Which) -> Result<(i64, i64), ManagerError> {
    with(which, |connection| {
        connection.batch_execute("BEGIN")?;
        add(connection)
    })
}

/// In the middle of a transaction: `diesel` rolls nothing back then.
#[multicore::task(error = "text")]
fn panic_inside(which: Which) -> Result<(), ManagerError> {
    with(which, |connection| {
        connection.transaction(|connection| {
            add(connection)?;
            panic!("as it was told")
        })
    })
}

#[track_caller]
fn check_panics(site: &Site, which: Which) {
    let ended = site.outcome(panic_inside::call(which));
    assert!(matches!(ended, Err(multicore::Error::Panicked { .. })), "{ended:?}");
}

/// Made once, used again, and kept after transactions that ended; after one that failed it is asked.
pub fn a_connection_of_diesel_is_kept_while_transactions_end() {
    let site = Site::of(1);
    assert_eq!(site.call(add_one::call(Which::Kept)), Ok((1, 1)));
    assert_eq!(site.call(add_in_transaction::call(Which::Kept, true)), Ok((2, 2)));
    site.call(add_in_transaction::call(Which::Kept, false)).unwrap_err();
    assert_eq!(site.call(add_one::call(Which::Kept)), Ok((3, 3)));
    assert_eq!(site.resources(), [1, 3, 1, 0]);
    site.end();
}

/// `has_broken`: what the call wrote is rolled back with the connection.
pub fn a_connection_of_diesel_in_a_transaction_is_replaced() {
    let site = Site::of(1);
    assert_eq!(site.call(add_one::call(Which::Kept)), Ok((1, 1)));
    assert_eq!(site.call(leave_open::call(Which::Kept)), Ok((2, 2)));
    assert_eq!(site.call(add_one::call(Which::Kept)), Ok((1, 2)));
    assert_eq!(site.resources(), [2, 1, 0, 1]);
    site.end();
}

/// A panic leaves the transaction open, and the connection answers all the same: it must not be used again.
pub fn a_connection_of_diesel_that_a_panic_left_in_a_transaction_is_replaced() {
    let site = Site::of(1);
    for (which, rows) in [(Which::Kept, 0), (Which::OwnCheck, 2)] {
        assert_eq!(site.call(add_one::call(which)), Ok((1, rows + 1)));
        check_panics(&site, which);
        assert_eq!(site.call(add_one::call(which)), Ok((1, rows + 2)));
    }
    assert_eq!(site.resources(), [4, 2, 2, 2]);
    site.end();
}

/// `reset` rolls back what is seen by nobody else.
pub fn a_connection_of_diesel_is_reset_after_each_call() {
    let site = Site::of(1);
    assert_eq!(site.call(add_one::call(Which::Tidy)), Ok((1, 1)));
    for _ in 0..3 {
        assert_eq!(site.call(leave_open_unseen::call(Which::Tidy)), Ok((2, 2)));
    }
    assert_eq!(site.call(add_one::call(Which::Tidy)), Ok((2, 2)), "rolled back and kept");
    assert_eq!(site.resources(), [1, 4, 0, 0]);
    site.end();
}

/// Which error there is, by its type.
#[multicore::task]
fn open_strictly() -> Result<(), String> {
    match strict::get() {
        Ok(_) => Ok(()),
        Err(ManagerError::ConnectionError(ConnectionError::BadConnection(why))) => Err(why),
        Err(error) => panic!("{error}"),
    }
}

/// The manager's error comes as it is, and each use tries again.
pub fn errors_of_diesel_are_those_of_its_manager() {
    let site = Site::of(1);
    let error = site.call(open_strictly::call()).unwrap_err();
    assert!(error.contains("unable to open"), "{error}");
    std::fs::create_dir(site.folder.path().join("inner")).unwrap();
    assert_eq!(site.call(open_strictly::call()), Ok(()));
    assert_eq!(site.call(open_strictly::call()), Ok(()));
    assert_eq!(site.resources(), [1, 1, 0, 0]);
    site.end();
}
