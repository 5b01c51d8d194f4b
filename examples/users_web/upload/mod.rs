//! Uploads: pictures that nobody trusts, decoded where they can do no harm.

pub(crate) mod page;
pub(crate) mod receive;
pub(crate) mod samples;
pub(crate) mod task;
