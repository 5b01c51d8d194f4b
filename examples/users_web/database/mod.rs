//! The database: where it is, what is asked of it, and what it is filled with.

pub(crate) mod connection;
mod content;
pub(crate) mod error;
pub(crate) mod place;
pub(crate) mod postgres;
pub(crate) mod sqlite;

/// How many users a new database is filled with.
pub(crate) const USERS: usize = 5000;

/// What makes the tables, where they are not there yet: the same words for both kinds.
const TABLES: &str = "
    CREATE TABLE web_users (
        id BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, city TEXT NOT NULL
    );
    CREATE TABLE web_orders (user_id BIGINT NOT NULL, month BIGINT NOT NULL, cents BIGINT NOT NULL);
    CREATE INDEX web_orders_of_user ON web_orders (user_id, month);
";
const USERS_FROM_TO: &str =
    "SELECT id, name, email, city FROM web_users WHERE id BETWEEN $1 AND $2 ORDER BY id";
const MONTHS_FROM_TO: &str = "SELECT user_id, month, count(*), CAST(sum(cents) AS BIGINT) FROM web_orders
    WHERE user_id BETWEEN $1 AND $2 GROUP BY user_id, month ORDER BY user_id, month";
const SPENT_BY_CITY: &str = "SELECT city, CAST(coalesce(sum(cents), 0) AS BIGINT) FROM web_users
    LEFT JOIN web_orders ON user_id = id GROUP BY id, city ORDER BY city, id";
const COUNT: &str = "SELECT count(*) FROM web_users";
