//! Connections to a PostgreSQL server, one kind for each way to treat them, and what tasks do with them.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use postgres::{Client, Error, NoTls};
use serde::{Deserialize, Serialize};

/// Names the server's URL, with the name of the connections in it.
pub const URL: &str = "MULTICORE_TEST_POSTGRES";
/// Names a file in which connections of kind [`Kind::Noted`] and [`Kind::NotedToo`] note their end.
pub const NOTES: &str = "MULTICORE_TEST_NOTES";

/// How a connection is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Kept, and nothing else.
    Kept,
    /// Of age zero.
    EachCall,
    /// Kept for ten minutes.
    Aging,
    /// Checked when it is suspect.
    Checked,
    /// Checked in each call.
    CheckedEachCall,
    /// Reset after each call.
    Tidy,
    /// Reset after each call, and checked when it is suspect.
    TidyChecked,
    /// Also to be had in the client.
    Own,
    /// Notes its end.
    Noted,
    /// As the one before, another one.
    NotedToo,
}

fn connect() -> Result<Client, Error> {
    Client::connect(&std::env::var(URL).expect("a server"), NoTls)
}

#[multicore::resource]
fn kept() -> Result<Client, Error> {
    connect()
}

#[multicore::resource(max_age = "0s")]
fn each_call() -> Result<Client, Error> {
    connect()
}

#[multicore::resource(max_age = "10m")]
fn aging() -> Result<Client, Error> {
    connect()
}

#[multicore::resource(check = is_alive)]
fn checked() -> Result<Client, Error> {
    connect()
}

#[multicore::resource(check = is_alive, check_idle = "0s")]
fn checked_each_call() -> Result<Client, Error> {
    connect()
}

#[multicore::resource(reset = roll_back)]
fn tidy() -> Result<Client, Error> {
    connect()
}

#[multicore::resource(reset = roll_back, check = is_alive)]
fn tidy_checked() -> Result<Client, Error> {
    connect()
}

#[multicore::resource(client)]
fn own() -> Result<Client, Error> {
    connect()
}

#[multicore::resource(on_close = note_first)]
fn noted() -> Result<Client, Error> {
    connect()
}

#[multicore::resource(on_close = note_second)]
fn noted_too() -> Result<Client, Error> {
    connect()
}

/// How often a connection of this process was checked.
static CHECKS: AtomicU64 = AtomicU64::new(0);

fn is_alive(client: &mut Client) -> bool {
    CHECKS.fetch_add(1, SeqCst);
    client.simple_query("").is_ok()
}

/// Outside of a transaction the server has nothing to do.
fn roll_back(client: &mut Client) -> Result<(), Error> {
    client.batch_execute("ROLLBACK")
}

fn note_first(client: Client) {
    note_end(client, 1);
}

fn note_second(client: Client) {
    note_end(client, 2);
}

fn note_end(client: Client, number: u64) {
    super::note(&std::env::var(NOTES).expect("a file for notes"), number);
    drop(client);
}

/// Uses the connection of this kind.
///
/// # Errors
/// The server's, when there is no connection or `f` fails.
pub fn with<R>(kind: Kind, f: impl FnOnce(&mut Client) -> Result<R, Error>) -> Result<R, Error> {
    match kind {
        Kind::Kept => kept::with(f)?,
        Kind::EachCall => each_call::with(f)?,
        Kind::Aging => aging::with(f)?,
        Kind::Checked => checked::with(f)?,
        Kind::CheckedEachCall => checked_each_call::with(f)?,
        Kind::Tidy => tidy::with(f)?,
        Kind::TidyChecked => tidy_checked::with(f)?,
        Kind::Own => own::with(f)?,
        Kind::Noted => noted::with(f)?,
        Kind::NotedToo => noted_too::with(f)?,
    }
}

/// The server's process at the other end of a connection.
///
/// # Errors
/// The server's.
pub fn pid(client: &mut Client) -> Result<i32, Error> {
    client.query_one("SELECT pg_backend_pid()", &[])?.try_get(0)
}

/// The server's process at the other end.
#[multicore::task(error = "text")]
pub fn backend(kind: Kind) -> Result<i32, Error> {
    with(kind, pid)
}

/// Of two uses in one call.
#[multicore::task(error = "text")]
pub fn backend_twice(kind: Kind) -> Result<(i32, i32), Error> {
    Ok((with(kind, pid)?, with(kind, pid)?))
}

/// As [`backend()`], behind some statements, in each of so many workers at once: each leaves a file in the folder and
/// waits for the others, whether it has a connection or not.
#[multicore::task(error = "text")]
pub fn backend_here(kind: Kind, statements: &str, folder: &str, workers: usize) -> Result<i32, Error> {
    let outcome = with(kind, |client| {
        let pid = pid(client)?;
        client.batch_execute(statements)?;
        Ok(pid)
    });
    meet(Path::new(folder), workers);
    outcome
}

/// Leaves a file in the folder, and waits for those of as many workers, or for the folder's end.
pub fn meet(folder: &Path, workers: usize) {
    let own = format!("{}-{:?}", std::process::id(), std::thread::current().id());
    super::write_whole(&folder.join(own).to_string_lossy(), "");
    let here = || std::fs::read_dir(folder).map_or(0, |files| files.flatten().filter(is_whole).count());
    while here() < workers && folder.exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// And no longer being written.
fn is_whole(file: &std::fs::DirEntry) -> bool {
    !file.file_name().to_string_lossy().contains('.')
}

/// Runs statements.
#[multicore::task(error = "text")]
pub fn run(kind: Kind, statements: &str) -> Result<(), Error> {
    with(kind, |client| client.batch_execute(statements))
}

/// Runs statements, and fails for a reason of its own.
#[multicore::task]
pub fn run_and_fail(kind: Kind, statements: &str) -> Result<(), String> {
    run(kind, statements).map_err(|error| error.to_string())?;
    Err("as it was told".to_owned())
}

/// Runs statements, and panics with the connection in hand.
#[multicore::task]
pub fn run_and_panic(kind: Kind, statements: &str) {
    let panics = |client: &mut Client| {
        client.batch_execute(statements)?;
        panic!("as it was told")
    };
    with::<()>(kind, panics).expect("statements that succeed");
}

/// Runs statements, and says nothing of their failure.
#[multicore::task]
pub fn run_and_hide(kind: Kind, statements: &str) {
    drop(run(kind, statements));
}

/// As the one before, on the connection that is [checked](Kind::Checked), and says that it is suspect.
#[multicore::task(error = "text")]
pub fn run_and_suspect(statements: &str) -> Result<(), Error> {
    let mut client = checked::get()?;
    if client.batch_execute(statements).is_err() {
        multicore::ResourceGuard::suspect(&mut client);
    }
    Ok(())
}

/// How often a connection was checked in the process that runs this.
#[multicore::task]
pub fn checks() -> u64 {
    CHECKS.load(SeqCst)
}

/// Makes one connection after the other, and gives both.
#[multicore::task(error = "text")]
pub fn both_noted() -> Result<(i32, i32), Error> {
    Ok((with(Kind::Noted, pid)?, with(Kind::NotedToo, pid)?))
}

/// Forks with a connection in being: what this process has, before and after, and what its child found.
#[multicore::task(error = "text")]
pub fn fork_inside() -> Result<(i32, Option<i32>, i32), Error> {
    let before = with(Kind::Kept, pid)?;
    let child = multicore::fork(|| with(Kind::Kept, pid).ok()).and_then(multicore::Forked::join);
    Ok((before, child.ok().flatten(), with(Kind::Kept, pid)?))
}
