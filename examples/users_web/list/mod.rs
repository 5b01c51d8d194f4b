//! `/`: the users.

pub(crate) mod how;
pub(crate) mod page;
pub(crate) mod rows;
pub(crate) mod wanted;
pub(crate) mod work;
