//! PostgreSQL, where there is a server.

use std::ops::RangeInclusive;

use postgres::{Client, Config, NoTls, Transaction};

use crate::database::connection::{Month, User};
use crate::database::error::Error;
use crate::database::{COUNT, MONTHS_FROM_TO, SPENT_BY_CITY, TABLES, USERS_FROM_TO, content};

/// By which those who would fill the database at once agree on an order.
const FILLING: i64 = 0x75_73_65_72_73;

pub(super) fn connect(config: &Config) -> Result<Client, Error> {
    let mut config = config.clone();
    if config.get_application_name().is_none() {
        config.application_name("users_web");
    }
    Ok(config.connect(NoTls)?)
}

pub(super) fn prepare(client: &mut Client) -> Result<usize, Error> {
    let mut transaction = client.transaction()?;
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
    client: &mut Client,
    numbers: RangeInclusive<i64>,
) -> Result<(Vec<User>, Vec<Month>), Error> {
    let (first, last) = numbers.into_inner();
    let users = client.query(USERS_FROM_TO, &[&first, &last])?;
    let user = |row: &postgres::Row| {
        let (id, name, email, city) = (row.get(0), row.get(1), row.get(2), row.get(3));
        User { id, name, email, city, orders: 0, months: [0; 12] }
    };
    let months = client.query(MONTHS_FROM_TO, &[&first, &last])?;
    let month = |row: &postgres::Row| (row.get(0), row.get(1), row.get(2), row.get(3));
    Ok((users.iter().map(user).collect(), months.iter().map(month).collect()))
}

pub(super) fn spent(client: &mut Client) -> Result<Vec<(String, i64)>, Error> {
    let rows = client.query(SPENT_BY_CITY, &[])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
