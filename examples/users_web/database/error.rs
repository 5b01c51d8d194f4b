//! What can go wrong with the database.

/// Of either kind; it travels as text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("SQLite")]
    Sqlite(#[from] rusqlite::Error),
    #[error("PostgreSQL")]
    Postgres(#[from] postgres::Error),
}

/// An error with its causes.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told += &format!(": {cause}");
        next = cause.source();
    }
    told
}
