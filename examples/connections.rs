//! Workers that keep a connection each: users are registered and found in parallel on SQLite, a call fails, and a
//! worker dies.

use std::error::Error;
use std::{env, fs, process};

use multicore::{Backend, Pool, par_ranges};
use r2d2_sqlite::SqliteConnectionManager;
use r2d2_sqlite::rusqlite::{Connection, Result};

/// Each worker connects when it first asks, and keeps that from call to call. Any connection manager of `r2d2` will do.
#[multicore::resource(r2d2, max_age = "10m", reset = roll_back)]
fn db() -> SqliteConnectionManager {
    SqliteConnectionManager::file(env::var_os("USERS").expect("the pool says where"))
}

/// What a call leaves open is nothing to the next one.
fn roll_back(db: &Connection) -> Result<()> {
    if db.is_autocommit() { Ok(()) } else { db.execute_batch("ROLLBACK") }
}

/// Registers all of them, or none.
#[multicore::task(error = "text")]
fn register(start: usize, end: usize) -> Result<usize> {
    let db = db::get()?;
    db.execute_batch("BEGIN IMMEDIATE")?;
    for id in start as u32..end as u32 {
        db.execute("INSERT INTO users VALUES (?1, ?2)", (id, format!("user {id}")))?;
    }
    db.execute_batch("COMMIT")?;
    Ok(end - start)
}

#[multicore::task(error = "text")]
fn find(id: u32) -> Result<String> {
    db::get()?.query_row("SELECT name FROM users WHERE id = ?1", [id], |user| user.get(0))
}

#[multicore::task(error = "text")]
fn count() -> Result<usize> {
    db::get()?.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, u32>(0)).map(|n| n as usize)
}

/// Ends its worker in the middle of a transaction.
#[multicore::task(error = "text")]
fn crash() -> Result<()> {
    db::get()?.execute_batch("BEGIN IMMEDIATE; DELETE FROM users")?;
    process::abort()
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("multicore-connections-{}", process::id()));
    fs::create_dir(&folder)?;
    let path = folder.join("users");
    Connection::open(&path)?
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")?;
    let pool = Pool::builder().workers(2).backend(Backend::Processes).env("USERS", path).build()?;

    let registered = par_ranges!(0..300, register, pool = &pool, ranges = 20)?;
    assert_eq!(registered.into_iter().sum::<Result<usize, _>>()?, 300);
    for (id, name) in pool.map((0..300).map(find::call)).enumerate() {
        assert_eq!(name??, format!("user {id}"));
    }
    let stats = pool.stats();
    assert!(stats.workers.iter().all(|worker| worker.resources.made <= 1), "a connection a worker");
    println!("320 calls; connections: {}", stats.resources());

    // Of these one is there already: none is registered, and the connection is as good as before.
    assert_eq!(pool.spawn(register::call(305, 306))?.get()??, 1);
    println!("{}", pool.spawn(register::call(300, 310))?.get()?.unwrap_err());
    assert_eq!(pool.spawn(count::call())?.get()??, 301);

    // A worker's death costs its connection and what it had not committed; the next worker connects by itself.
    println!("{}", pool.spawn(crash::call())?.get().unwrap_err());
    assert_eq!(pool.spawn(count::call())?.get()??, 301);
    let resources = pool.stats().resources();
    assert!(resources.made <= 3 && resources.replaced == 0, "{resources}");
    drop(pool); // each worker closes its connection
    fs::remove_dir_all(folder)?;
    println!("301 users, after a call that failed and a worker that died");
    Ok(())
}
