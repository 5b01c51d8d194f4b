//! Where a group of calls runs.

use std::sync::Arc;

use crate::error::Result;
use crate::pool::{Pool, default};

/// The default pool, or one of the user's.
pub(crate) enum On<'p> {
    /// Opened at the first call.
    Default(Option<Arc<Pool>>),
    Pool(&'p Pool),
}

impl On<'_> {
    /// The pool.
    ///
    /// # Errors
    /// What opening the default pool may give.
    pub(crate) fn pool(&mut self) -> Result<&Pool> {
        Ok(match self {
            On::Pool(pool) => pool,
            On::Default(Some(pool)) => pool,
            On::Default(none) => none.insert(default::pool()?),
        })
    }
}
