//! PostgreSQL, where there is a server.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Row, Statement, Transaction};

use crate::database::connection::{Month, User};
use crate::database::error::Error;
use crate::database::{COUNT, MONTHS_FROM_TO, SPENT_BY_CITY, TABLES, USERS_FROM_TO, content};

/// By which those who would fill the database at once agree on an order.
const FILLING: i64 = 0x75_73_65_72_73;

/// A connection, and the statements that the server knows by it: each is parsed once, not for each page.
pub(crate) struct Session {
    client: Client,
    prepared: HashMap<&'static str, Statement>,
}

impl Session {
    fn query(&mut self, text: &'static str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        if !self.prepared.contains_key(text) {
            self.prepared.insert(text, self.client.prepare(text)?);
        }
        Ok(self.client.query(&self.prepared[text], parameters)?)
    }

    pub(super) fn check(&mut self) -> Result<(), Error> {
        Ok(self.client.batch_execute("SELECT 1")?)
    }

    /// Ends a transaction that somebody left open. Where none is, which is nearly always, a ROLLBACK alone would have
    /// the server write a warning into its log, after each call; and where one has failed, nothing else is obeyed.
    pub(super) fn reset(&mut self) -> Result<(), Error> {
        let usual = self.client.batch_execute("BEGIN; ROLLBACK");
        Ok(usual.or_else(|_| self.client.batch_execute("ROLLBACK"))?)
    }
}

pub(super) fn connect(config: &Config) -> Result<Session, Error> {
    let mut config = config.clone();
    if config.get_application_name().is_none() {
        config.application_name("users_web");
    }
    Ok(Session { client: config.connect(NoTls)?, prepared: HashMap::new() })
}

pub(super) fn prepare(session: &mut Session) -> Result<usize, Error> {
    let mut transaction = session.client.transaction()?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&FILLING])?;
    let there: bool = transaction.query_one("SELECT to_regclass('web_users') IS NOT NULL", &[])?.get(0);
    if !there {
        fill(&mut transaction)?;
    }
    let count: i64 = transaction.query_one(COUNT, &[])?.get(0);
    transaction.commit()?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn fill(transaction: &mut Transaction<'_>) -> Result<(), Error> {
    transaction.batch_execute(TABLES)?;
    let (mut ids, mut names, mut emails, mut cities) = (vec![], vec![], vec![], vec![]);
    let (mut buyers, mut months, mut amounts) = (vec![], vec![], vec![]);
    for user in content::users() {
        for (month, cents) in user.orders {
            buyers.push(user.id);
            months.push(month);
            amounts.push(cents);
        }
        ids.push(user.id);
        names.push(user.name);
        emails.push(user.email);
        cities.push(user.city);
    }
    transaction.execute(
        "INSERT INTO web_users SELECT * FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::TEXT[])",
        &[&ids, &names, &emails, &cities],
    )?;
    transaction.execute(
        "INSERT INTO web_orders SELECT * FROM unnest($1::BIGINT[], $2::BIGINT[], $3::BIGINT[])",
        &[&buyers, &months, &amounts],
    )?;
    Ok(())
}

pub(super) fn users(
    session: &mut Session,
    numbers: RangeInclusive<i64>,
) -> Result<(Vec<User>, Vec<Month>), Error> {
    let (first, last) = numbers.into_inner();
    let users = session.query(USERS_FROM_TO, &[&first, &last])?;
    let user = |row: &Row| {
        let (id, name, email, city) = (row.get(0), row.get(1), row.get(2), row.get(3));
        User { id, name, email, city, orders: 0, months: [0; 12] }
    };
    let months = session.query(MONTHS_FROM_TO, &[&first, &last])?;
    let month = |row: &Row| (row.get(0), row.get(1), row.get(2), row.get(3));
    Ok((users.iter().map(user).collect(), months.iter().map(month).collect()))
}

pub(super) fn spent(session: &mut Session) -> Result<Vec<(String, i64)>, Error> {
    let rows = session.query(SPENT_BY_CITY, &[])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
