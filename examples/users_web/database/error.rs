//! What can go wrong with the database.

/// Of either kind; it travels as text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("SQLite")]
    Sqlite(#[from] rusqlite::Error),
    #[error("PostgreSQL")]
    Postgres(#[from] postgres::Error),
}
