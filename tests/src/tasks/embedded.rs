//! Connections to an SQLite database, and what tasks do with them.

use std::path::Path;

use rusqlite::{Connection, Error, OpenFlags};
use serde::{Deserialize, Serialize};

/// Names the database's file. It is there, and keeps a log: the last to close it properly removes that.
pub const FILE: &str = "MULTICORE_TEST_SQLITE";

/// How a connection is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Kept, and nothing else.
    Kept,
    /// Of age zero.
    EachCall,
    /// Reset after each call, and checked when it is suspect.
    Tidy,
    /// Also to be had in the client.
    Own,
}

fn open() -> Result<Connection, Error> {
    Connection::open_with_flags(std::env::var(FILE).expect("a file"), OpenFlags::SQLITE_OPEN_READ_WRITE)
}

#[multicore::resource]
fn kept() -> Result<Connection, Error> {
    open()
}

#[multicore::resource(max_age = "0s")]
fn each_call() -> Result<Connection, Error> {
    open()
}

#[multicore::resource(reset = roll_back, check = is_alive)]
fn tidy() -> Result<Connection, Error> {
    open()
}

#[multicore::resource(client)]
fn own() -> Result<Connection, Error> {
    open()
}

fn roll_back(connection: &mut Connection) -> Result<(), Error> {
    if connection.is_autocommit() { Ok(()) } else { connection.execute_batch("ROLLBACK") }
}

fn is_alive(connection: &mut Connection) -> bool {
    connection.query_row("SELECT 1", [], |_| Ok(())).is_ok()
}

/// Uses the connection of this kind.
///
/// # Errors
/// SQLite's, when there is no connection or `f` fails.
pub fn with<R>(kind: Kind, f: impl FnOnce(&mut Connection) -> Result<R, Error>) -> Result<R, Error> {
    match kind {
        Kind::Kept => kept::with(f)?,
        Kind::EachCall => each_call::with(f)?,
        Kind::Tidy => tidy::with(f)?,
        Kind::Own => own::with(f)?,
    }
}

/// How often this was asked of a connection before, as a temporary table of its own has it.
///
/// # Errors
/// SQLite's.
pub fn count(connection: &mut Connection) -> Result<i64, Error> {
    connection.execute_batch("CREATE TEMP TABLE IF NOT EXISTS uses (number)")?;
    connection.execute("INSERT INTO uses VALUES (1)", [])?;
    connection.query_row("SELECT count(*) - 1 FROM uses", [], |row| row.get(0))
}

/// How often this connection was used before.
#[multicore::task(error = "text")]
pub fn uses(kind: Kind) -> Result<i64, Error> {
    with(kind, count)
}

/// As the one before, in each of so many workers at once.
#[multicore::task(error = "text")]
pub fn uses_here(kind: Kind, folder: &str, workers: usize) -> Result<i64, Error> {
    let outcome = with(kind, count);
    super::connections::meet(Path::new(folder), workers);
    outcome
}

/// Runs statements.
#[multicore::task(error = "text")]
pub fn execute(kind: Kind, statements: &str) -> Result<(), Error> {
    with(kind, |connection| connection.execute_batch(statements))
}

/// Runs statements, and fails for a reason of its own.
#[multicore::task]
pub fn execute_and_fail(kind: Kind, statements: &str) -> Result<(), String> {
    execute(kind, statements).map_err(|error| error.to_string())?;
    Err("as it was told".to_owned())
}

/// Runs statements, and panics with the connection in hand.
#[multicore::task]
pub fn execute_and_panic(kind: Kind, statements: &str) {
    let panics = |connection: &mut Connection| {
        connection.execute_batch(statements)?;
        panic!("as it was told")
    };
    with::<()>(kind, panics).expect("statements that succeed");
}

/// The one number that a query gives.
#[multicore::task(error = "text")]
pub fn number(kind: Kind, query: &str) -> Result<i64, Error> {
    with(kind, |connection| connection.query_row(query, [], |row| row.get(0)))
}
