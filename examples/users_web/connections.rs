//! Each worker's own connection.

use multicore::ResourceGuard;

use crate::database::connection::Connection;
use crate::database::error::Error;
use crate::options::OPTIONS;

/// Made when a worker's call first asks for it, and kept for the next calls; checked where the last one failed, or
/// it was not used for a while; and no call finds a transaction that another one left open.
#[multicore::resource(max_age = "10m", check = is_alive, check_idle = "30s", reset = end_transaction)]
pub(crate) fn db() -> Result<Connection, Error> {
    match OPTIONS.as_ref() {
        Ok(options) => options.database.connect(),
        Err(wrong) => unreachable!("`main` would not have begun: {wrong}"),
    }
}

fn is_alive(connection: &mut Connection) -> Result<(), Error> {
    connection.check()
}

fn end_transaction(connection: &mut Connection) -> Result<(), Error> {
    connection.reset()
}

/// Reads from the database; once more, on a new connection, where the worker's own has failed: a server that was
/// restarted has ended them all, and a page need not suffer for that.
pub(crate) fn read<R>(work: impl Fn(&mut Connection) -> Result<R, Error>) -> Result<R, Error> {
    let mut connection = db::get()?;
    work(&mut connection).or_else(|_| {
        ResourceGuard::discard(connection);
        work(&mut *db::get()?)
    })
}
