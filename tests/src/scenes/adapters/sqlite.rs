//! `r2d2_sqlite`'s manager, on a file of each scene's own.

use std::collections::BTreeMap;

use multicore::Error::Died;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::limits::Limit;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

use super::{Site, database, folder, meet};

/// The file's table is for all connections, the other one ends with its connection.
const TABLES: &str = "CREATE TABLE IF NOT EXISTS rows (n INTEGER); CREATE TEMP TABLE uses (n INTEGER);";

fn manager() -> SqliteConnectionManager {
    SqliteConnectionManager::file(database()).with_init(|connection| {
        // Before the tables: the other workers make them as well.
        connection.busy_timeout(std::time::Duration::from_secs(60))?;
        connection.execute_batch(TABLES)
    })
}

#[multicore::resource(r2d2)]
fn kept() -> SqliteConnectionManager {
    manager()
}

#[multicore::resource(r2d2, max_age = "0s")]
fn each_call() -> SqliteConnectionManager {
    manager()
}

#[multicore::resource(r2d2, reset = roll_back)]
fn tidy() -> SqliteConnectionManager {
    manager()
}

fn roll_back(connection: &Connection) -> Result<(), Error> {
    if connection.is_autocommit() { Ok(()) } else { connection.execute_batch("ROLLBACK") }
}

/// Good while its own table has few rows, whatever `is_valid` says.
#[multicore::resource(r2d2, check = |connection| uses(connection).is_ok_and(|uses| uses < 3))]
fn young() -> SqliteConnectionManager {
    manager()
}

/// No manager before there is a folder for the file; and the file must be there.
#[multicore::resource(r2d2)]
fn strict() -> Result<SqliteConnectionManager, Error> {
    let inner = folder().join("inner");
    if !inner.exists() {
        return Err(Error::InvalidPath(inner));
    }
    Ok(SqliteConnectionManager::file(inner.join("db")).with_flags(OpenFlags::SQLITE_OPEN_READ_WRITE))
}

/// Does not wait for others that write.
#[multicore::resource(r2d2)]
fn impatient() -> SqliteConnectionManager {
    SqliteConnectionManager::file(database())
        .with_init(|connection| connection.busy_timeout(std::time::Duration::ZERO))
}

fn uses(connection: &Connection) -> Result<u32, Error> {
    connection.query_row("SELECT count(*) FROM uses", [], |row| row.get(0))
}

fn rows(connection: &Connection) -> Result<u32, Error> {
    connection.query_row("SELECT count(*) FROM rows", [], |row| row.get(0))
}

/// Writes to both tables; how often this connection was used.
fn add(connection: &Connection, n: u32) -> Result<u32, Error> {
    connection.execute("INSERT INTO rows VALUES (?1)", [n])?;
    connection.execute("INSERT INTO uses VALUES (?1)", [n])?;
    uses(connection)
}

#[multicore::task(error = "text")]
fn add_one(n: u32) -> Result<(u32, u32), Error> {
    Ok((std::process::id(), add(&*kept::get()?, n)?))
}

/// In as many workers at once.
#[multicore::task(error = "text")]
fn add_together(workers: usize) -> Result<(u32, u32), Error> {
    let connection = kept::get()?;
    meet(workers);
    Ok((std::process::id(), add(&connection, 0)?))
}

/// Each worker has one connection, whatever the number of calls, and all of them write to one file.
pub fn a_sqlite_connection_is_made_once_a_worker_and_used_again() {
    let site = Site::of(2);
    let pool = &site.rig.pool;
    let both = [0, 1].map(|_| pool.spawn(add_together::call(2)).unwrap());
    let mut last = BTreeMap::from(both.map(|handle| handle.get().unwrap().unwrap()));
    assert_eq!(last.values().sum::<u32>(), 2, "two workers");
    for outcome in pool.map((0..200).map(add_one::call)) {
        let (worker, uses) = outcome.unwrap().unwrap();
        last.entry(worker).and_modify(|last| *last = uses.max(*last)).or_insert(uses);
    }
    // The rows in a connection's own table are all of its worker's uses: nobody had another one.
    assert_eq!((last.len(), last.values().sum::<u32>()), (2, 202));
    assert_eq!(site.resources(), [2, 200, 0, 0]);
    let check = Connection::open(site.folder.path().join("db")).unwrap();
    assert_eq!(rows(&check), Ok(202));
    drop(check);
    site.end();
}

/// Has this connection take no statement of more than so many bytes: as good as dead.
#[multicore::task(error = "text")]
fn spoil(bytes: i32) -> Result<(), Error> {
    kept::get()?.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, bytes).map(drop)
}

/// `is_valid` runs a statement: after a call that failed a connection which runs none is replaced.
pub fn a_sqlite_connection_that_runs_nothing_costs_one_call() {
    let site = Site::of(1);
    let uses = |n| site.call(add_one::call(n)).map(|(_, uses)| uses);
    assert_eq!((uses(1), uses(2)), (Ok(1), Ok(2)));
    site.call(spoil::call(5)).unwrap();
    let error = uses(3).unwrap_err();
    assert!(error.to_string().contains("too big"), "{error}");
    assert_eq!((uses(4), uses(5)), (Ok(1), Ok(2)), "another connection");
    assert_eq!(site.resources(), [2, 4, 1, 1]);
    site.end();
}

/// Its use, and an error where the table has this many rows already.
#[multicore::task]
fn use_young(most: u32) -> Result<u32, String> {
    let uses = young::with(|connection| add(connection, 1)).map_err(|error| error.to_string())?;
    match uses {
        Ok(uses) if uses < most => Ok(uses),
        other => Err(format!("{other:?}")),
    }
}

/// A check of the user's own, on the manager's connection.
pub fn a_sqlite_connection_is_checked_as_the_user_says() {
    let site = Site::of(1);
    let uses = |most| site.call(use_young::call(most));
    assert_eq!(uses(2), Ok(1));
    assert_eq!(uses(2), Err("Ok(2)".to_owned()));
    assert_eq!(uses(2), Err("Ok(3)".to_owned()), "the check found it good");
    assert_eq!(uses(2), Ok(1), "the check found it too old");
    assert_eq!(site.resources(), [2, 2, 2, 1]);
    site.end();
}

/// Begins a transaction, writes, and leaves it at that; the rows that this connection sees.
#[multicore::task(error = "text")]
fn leave_open(is_tidy: bool) -> Result<u32, Error> {
    let connection = if is_tidy { tidy::get()? } else { kept::get()? };
    connection.execute_batch("BEGIN; INSERT INTO rows VALUES (0)")?;
    rows(&connection)
}

/// The rows, and whether a transaction is open.
#[multicore::task(error = "text")]
fn look(is_tidy: bool) -> Result<(u32, bool), Error> {
    let connection = if is_tidy { tidy::get()? } else { kept::get()? };
    Ok((rows(&connection)?, !connection.is_autocommit()))
}

/// `reset` rolls back what a call left open; without it the next call is in the middle of a transaction.
pub fn a_transaction_left_open_on_sqlite_is_rolled_back_by_reset() {
    let site = Site::of(1);
    for _ in 0..3 {
        assert_eq!(site.call(leave_open::call(true)), Ok(1));
        assert_eq!(site.call(look::call(true)), Ok((0, false)));
    }
    assert_eq!(site.call(leave_open::call(false)), Ok(1));
    assert_eq!(site.call(look::call(false)), Ok((1, true)));
    assert_eq!(site.resources(), [2, 6, 0, 0]);
    site.end();
}

#[multicore::task(error = "text")]
fn use_twice() -> Result<(u32, u32), Error> {
    Ok((
        each_call::with(|connection| add(connection, 1))??,
        each_call::with(|connection| add(connection, 2))??,
    ))
}

/// Age zero: the connection and what is its own end with each call.
pub fn a_sqlite_connection_of_age_zero_is_one_calls() {
    let site = Site::of(1);
    for _ in 0..3 {
        assert_eq!(site.call(use_twice::call()), Ok((1, 2)));
    }
    assert_eq!(site.resources(), [3, 3, 0, 3]);
    site.end();
}

/// Which error there is, by its type; `Ok`: there is a connection.
#[multicore::task]
fn open_strictly() -> Result<(), String> {
    match strict::get() {
        Ok(_) => Ok(()),
        Err(Error::InvalidPath(path)) => Err(format!("no {}", path.file_name().unwrap().display())),
        Err(Error::SqliteFailure(error, _)) if error.code == ErrorCode::CannotOpen => {
            Err("no file".to_owned())
        }
        Err(error) => panic!("{error}"),
    }
}

/// The manager's error and SQLite's own come as they are, and each use tries again.
pub fn errors_of_sqlite_are_those_of_its_manager() {
    let site = Site::of(1);
    let inner = site.folder.path().join("inner");
    assert_eq!(site.call(open_strictly::call()), Err("no inner".to_owned()));
    std::fs::create_dir(&inner).unwrap();
    for _ in 0..2 {
        assert_eq!(site.call(open_strictly::call()), Err("no file".to_owned()));
    }
    Connection::open(inner.join("db")).unwrap().execute_batch("CREATE TABLE rows (n)").unwrap();
    assert_eq!(site.call(open_strictly::call()), Ok(()));
    assert_eq!(site.call(open_strictly::call()), Ok(()));
    assert_eq!(site.resources(), [1, 1, 0, 0]);
    site.end();
}

/// Whether the row could be written, or somebody else writes.
#[multicore::task]
fn write_at_once() -> Result<(), bool> {
    let connection = impatient::get().expect("a connection");
    match connection.execute("INSERT INTO rows VALUES (1)", []) {
        Ok(_) => Ok(()),
        Err(Error::SqliteFailure(error, _)) => Err(error.code == ErrorCode::DatabaseBusy),
        Err(error) => panic!("{error}"),
    }
}

/// A database that is busy is no reason to give a connection up: it is checked, and it is good.
pub fn a_busy_database_keeps_its_connections() {
    let site = Site::of(1);
    let writer = Connection::open(site.folder.path().join("db")).unwrap();
    writer.execute_batch("CREATE TABLE rows (n); BEGIN IMMEDIATE; INSERT INTO rows VALUES (0)").unwrap();
    assert_eq!(site.call(write_at_once::call()), Err(true));
    assert_eq!(site.call(write_at_once::call()), Err(true));
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(site.call(write_at_once::call()), Ok(()));
    assert_eq!(site.resources(), [1, 2, 2, 0]);
    assert_eq!(rows(&writer), Ok(2));
    drop(writer);
    site.end();
}

/// Writes, and is gone before it commits.
#[multicore::task(error = "text")]
fn write_and_die() -> Result<(), Error> {
    kept::get()?.execute_batch("BEGIN IMMEDIATE; INSERT INTO rows VALUES (0)")?;
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).expect("a signal");
    Ok(())
}

/// A worker's death takes its connection along, and its transaction; the next worker makes its own.
pub fn a_killed_worker_leaves_no_lock_on_a_database() {
    let site = Site::of(1);
    assert_eq!(site.call(add_one::call(1)).unwrap().1, 1);
    for deaths in 1..=3 {
        let ended = site.outcome(write_and_die::call());
        assert!(matches!(ended, Err(Died { .. })), "{ended:?}");
        assert_eq!(site.call(add_one::call(deaths)).unwrap().1, 1, "a connection of its own");
    }
    let check = Connection::open(site.folder.path().join("db")).unwrap();
    assert_eq!(rows(&check), Ok(4));
    drop(check);
    site.end();
}
