//! `r2d2_postgres`'s manager in front of a real server, whose name is in a variable.

use std::collections::BTreeSet;

use multicore::{Call, Handle};
use postgres::error::SqlState;
use postgres::{Client, Config, Error, NoTls};
use r2d2_postgres::PostgresConnectionManager;
use serde::{Deserialize, Serialize};
use test_postgres::Admin;

use super::{Site, meet};
use crate::tasks::connections::{URL, pid};
use crate::watch::eventually;

type Manager = PostgresConnectionManager<NoTls>;

fn config() -> Result<Config, Error> {
    std::env::var(URL).expect("a server").parse()
}

fn manager() -> Result<Manager, Error> {
    Ok(Manager::new(config()?, NoTls))
}

#[multicore::resource(r2d2)]
fn kept() -> Result<PostgresConnectionManager<NoTls>, Error> {
    manager()
}

#[multicore::resource(r2d2, check_idle = "0s")]
fn checked_each_call() -> Result<Manager, postgres::Error> {
    manager()
}

#[multicore::resource(r2d2, max_age = "0s")]
fn each_call() -> Result<Manager, Error> {
    manager()
}

#[multicore::resource(r2d2, reset = |client| client.batch_execute("ROLLBACK"))]
fn tidy() -> Result<Manager, Error> {
    manager()
}

/// Which connection.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Which {
    Kept,
    CheckedEachCall,
    EachCall,
    Tidy,
}

fn with<R>(which: Which, f: impl FnOnce(&mut Client) -> Result<R, Error>) -> Result<R, Error> {
    match which {
        Which::Kept => kept::with(f)?,
        Which::CheckedEachCall => checked_each_call::with(f)?,
        Which::EachCall => each_call::with(f)?,
        Which::Tidy => tidy::with(f)?,
    }
}

/// The server's process at the other end of this worker's connection.
#[multicore::task(error = "text")]
fn served_by(which: Which) -> Result<i32, Error> {
    with(which, pid)
}

/// In as many workers at once.
#[multicore::task(error = "text")]
fn served_together(workers: usize) -> Result<i32, Error> {
    with(Which::Kept, |client| {
        meet(workers);
        pid(client)
    })
}

/// Runs statements; the server's word for the failure, which is empty where it had none.
#[multicore::task]
fn run(which: Which, statements: &str) -> Result<(), String> {
    with(which, |client| client.batch_execute(statements)).map_err(|error| code(&error))
}

fn code(error: &Error) -> String {
    error.code().map(SqlState::code).unwrap_or_default().to_owned()
}

/// The server's view of a site's connections.
struct Served {
    site: Site,
    admin: Admin,
    application: String,
}

impl Served {
    fn of(workers: usize) -> Served {
        let url = std::env::var(URL).expect("a server");
        let (server, application) = url.split_once("?application_name=").expect("a name");
        Served { site: Site::of(workers), admin: Admin::at(server), application: application.to_owned() }
    }

    #[track_caller]
    fn pid(&self, which: Which) -> i32 {
        self.site.call(served_by::call(which)).expect("a connection")
    }

    #[track_caller]
    fn call<R: 'static>(&self, call: Call<'_, R>) -> R {
        self.site.call(call)
    }

    /// Waits for the server to have these and no others: it learns of an end a moment later.
    #[track_caller]
    fn has_only(&mut self, expected: &[i32]) {
        let mut pids = BTreeSet::new();
        eventually("the server has these alone", || {
            pids =
                self.admin.connections(&self.application).iter().map(|connection| connection.pid).collect();
            pids == expected.iter().copied().collect()
        });
    }

    #[track_caller]
    fn terminate(&mut self, pid: i32) {
        assert!(self.admin.terminate(pid));
        self.has_only(&[]);
    }
}

/// Two workers, two connections, as the server sees it.
pub fn a_postgres_connection_is_made_once_a_worker_and_used_again() {
    let mut served = Served::of(2);
    let pool = &served.site.rig.pool;
    let both = [0, 1].map(|_| pool.spawn(served_together::call(2)).unwrap());
    let both = both.map(|handle: Handle<_>| handle.get().unwrap().unwrap());
    assert_ne!(both[0], both[1]);
    for pid in pool.map((0..200).map(|_| served_by::call(Which::Kept))) {
        assert!(both.contains(&pid.unwrap().unwrap()));
    }
    assert_eq!(served.site.resources(), [2, 200, 0, 0]);
    served.has_only(&both);
    served.site.end();
}

/// `has_broken`: the call that finds out has the error, and the connection is replaced unasked.
pub fn a_terminated_postgres_connection_knows_and_costs_one_call() {
    let mut served = Served::of(1);
    let first = served.pid(Which::Kept);
    served.terminate(first);
    // By the server's last word or, where that is lost, by the connection's end.
    let code = served.call(run::call(Which::Kept, "SELECT 1")).unwrap_err();
    assert!(code.is_empty() || code == SqlState::ADMIN_SHUTDOWN.code(), "{code}");
    let second = served.pid(Which::Kept);
    assert_ne!(second, first);
    served.has_only(&[second]);
    assert_eq!(served.site.resources(), [2, 1, 0, 1]);
    served.site.end();
}

/// `is_valid` in each call: nobody has an error.
pub fn a_terminated_postgres_connection_that_is_checked_costs_no_call() {
    let mut served = Served::of(1);
    let first = served.pid(Which::CheckedEachCall);
    served.terminate(first);
    let second = served.pid(Which::CheckedEachCall);
    assert_ne!(second, first);
    assert_eq!(served.pid(Which::CheckedEachCall), second);
    served.has_only(&[second]);
    assert_eq!(served.site.resources(), [2, 1, 2, 1]);
    served.site.end();
}

/// A statement that fails is no reason to give a connection up: `is_valid` says that it is good.
pub fn a_failed_statement_keeps_its_postgres_connection() {
    let mut served = Served::of(1);
    let first = served.pid(Which::Kept);
    let failed = served.call(run::call(Which::Kept, "no statement"));
    assert_eq!(failed, Err(SqlState::SYNTAX_ERROR.code().to_owned()));
    assert_eq!(served.pid(Which::Kept), first);
    served.has_only(&[first]);
    assert_eq!(served.site.resources(), [1, 2, 1, 0]);
    served.site.end();
}

/// `reset` rolls back, also behind a statement that failed within the transaction.
pub fn a_transaction_left_open_on_postgres_is_rolled_back_by_reset() {
    let mut served = Served::of(1);
    let first = served.pid(Which::Tidy);
    for (statements, well) in [("BEGIN; SELECT 1", true), ("BEGIN; SELECT 1 / 0", false)] {
        assert_eq!(served.call(run::call(Which::Tidy, statements)).is_ok(), well);
        let idle = |served: &mut Served| {
            let connections = served.admin.connections(&served.application);
            connections.iter().all(|connection| connection.state == "idle")
        };
        eventually("the server sees no transaction", || idle(&mut served));
        assert_eq!(served.pid(Which::Tidy), first);
    }
    assert_eq!(served.site.resources(), [1, 4, 1, 0]);
    served.site.end();
}

/// Age zero: between calls the server has none.
pub fn a_postgres_connection_of_age_zero_is_closed_after_each_call() {
    let mut served = Served::of(1);
    let mut pids = BTreeSet::new();
    for _ in 0..3 {
        pids.insert(served.pid(Which::EachCall));
        served.has_only(&[]);
    }
    assert_eq!(pids.len(), 3);
    assert_eq!(served.site.resources(), [3, 0, 0, 3]);
    served.site.end();
}

/// A database that is not there yet, named after the application.
fn late_database() -> Option<String> {
    config().ok()?.get_application_name().map(|name| name.replace('-', "_"))
}

#[multicore::resource(r2d2)]
fn late() -> Result<Manager, Error> {
    let mut config = config()?;
    config.dbname(&late_database().expect("a name"));
    Ok(Manager::new(config, NoTls))
}

/// The server's word for why there is no connection, if there is none.
#[multicore::task]
fn connect_late() -> Result<(), String> {
    late::get().map(drop).map_err(|error| code(&error))
}

/// What the server says is in the manager's error, and each use tries again.
pub fn errors_of_postgres_are_those_of_its_manager() {
    let mut served = Served::of(1);
    for _ in 0..2 {
        let code = served.call(connect_late::call()).unwrap_err();
        assert_eq!(code, SqlState::INVALID_CATALOG_NAME.code());
    }
    served.admin.run(&format!("CREATE DATABASE \"{}\"", late_database().expect("a name")));
    assert_eq!(served.call(connect_late::call()), Ok(()));
    assert_eq!(served.call(connect_late::call()), Ok(()));
    assert_eq!(served.site.resources(), [1, 1, 0, 0]);
    served.site.end();
}
