//! SQLite, which comes along with the program.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::database::connection::{Month, User};
use crate::database::error::Error;
use crate::database::{COUNT, MONTHS_FROM_TO, SPENT_BY_CITY, TABLES, USERS_FROM_TO, content};

pub(super) fn open(file: &Path) -> Result<Connection, Error> {
    let sqlite = Connection::open(file)?;
    // Whoever writes is waited for; and readers do not wait for it at all.
    sqlite.busy_timeout(Duration::from_secs(10))?;
    sqlite.pragma_update(None, "journal_mode", "wal")?;
    Ok(sqlite)
}

pub(super) fn prepare(sqlite: &mut Connection) -> Result<usize, Error> {
    let transaction = sqlite.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let there: bool = transaction.query_row(
        "SELECT count(*) > 0 FROM sqlite_master WHERE name = 'web_users'",
        [],
        |row| row.get(0),
    )?;
    if !there {
        fill(&transaction)?;
    }
    let count: i64 = transaction.query_row(COUNT, [], |row| row.get(0))?;
    transaction.commit()?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn fill(transaction: &Transaction<'_>) -> Result<(), Error> {
    transaction.execute_batch(TABLES)?;
    let mut users = transaction.prepare("INSERT INTO web_users VALUES (?, ?, ?, ?)")?;
    let mut orders = transaction.prepare("INSERT INTO web_orders VALUES (?, ?, ?)")?;
    for user in content::users() {
        users.execute(params![user.id, user.name, user.email, user.city])?;
        for (month, cents) in user.orders {
            orders.execute(params![user.id, month, cents])?;
        }
    }
    Ok(())
}

pub(super) fn users(
    sqlite: &Connection,
    numbers: RangeInclusive<i64>,
) -> Result<(Vec<User>, Vec<Month>), Error> {
    let range = [numbers.start(), numbers.end()];
    let mut users = sqlite.prepare_cached(USERS_FROM_TO)?;
    let users = users.query_map(range, |row| {
        let (id, name, email, city) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(User { id, name, email, city, orders: 0, months: [0; 12] })
    })?;
    let users = users.collect::<Result<_, _>>()?;
    let mut months = sqlite.prepare_cached(MONTHS_FROM_TO)?;
    let months = months.query_map(range, |row| row.try_into())?.collect::<Result<_, _>>()?;
    Ok((users, months))
}

pub(super) fn spent(sqlite: &Connection) -> Result<Vec<(String, i64)>, Error> {
    let mut spent = sqlite.prepare_cached(SPENT_BY_CITY)?;
    let rows = spent.query_map([], |row| row.try_into())?;
    Ok(rows.collect::<Result<_, _>>()?)
}
