//! A connection of either kind, and what is asked of it.

use std::ops::RangeInclusive;

use crate::database::error::Error;
use crate::database::{postgres, sqlite};

pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<postgres::Session>),
}

pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) city: String,
    pub(crate) orders: i64,
    /// What was spent in each month, in cents.
    pub(crate) months: [i64; 12],
}

/// What one user did in one month: user, month, orders, cents.
pub(super) type Month = (i64, i64, i64, i64);

impl Connection {
    /// Makes the tables and fills them, where that has not been done; how many users there are.
    pub(crate) fn prepare(&mut self) -> Result<usize, Error> {
        match self {
            Connection::Sqlite(sqlite) => sqlite::prepare(sqlite),
            Connection::Postgres(session) => postgres::prepare(session),
        }
    }

    /// The users with these numbers.
    pub(crate) fn users(&mut self, numbers: RangeInclusive<i64>) -> Result<Vec<User>, Error> {
        let (mut users, months) = match self {
            Connection::Sqlite(sqlite) => sqlite::users(sqlite, numbers)?,
            Connection::Postgres(session) => postgres::users(session, numbers)?,
        };
        for (id, month, orders, cents) in months {
            let Ok(at) = users.binary_search_by_key(&id, |user| user.id) else { continue };
            users[at].orders += orders;
            if let Some(spent) = usize::try_from(month).ok().and_then(|month| users[at].months.get_mut(month))
            {
                *spent += cents;
            }
        }
        Ok(users)
    }

    /// What each user has spent, by city, in cents.
    pub(crate) fn spent(&mut self) -> Result<Vec<(String, i64)>, Error> {
        match self {
            Connection::Sqlite(sqlite) => sqlite::spent(sqlite),
            Connection::Postgres(session) => postgres::spent(session),
        }
    }

    /// Whether it can still be used.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self {
            Connection::Sqlite(sqlite) => Ok(sqlite.execute_batch("SELECT 1")?),
            Connection::Postgres(session) => session.check(),
        }
    }

    /// Ends a transaction that somebody left open.
    pub(crate) fn reset(&mut self) -> Result<(), Error> {
        match self {
            Connection::Sqlite(sqlite) if sqlite.is_autocommit() => Ok(()),
            Connection::Sqlite(sqlite) => Ok(sqlite.execute_batch("ROLLBACK")?),
            Connection::Postgres(session) => session.reset(),
        }
    }
}
