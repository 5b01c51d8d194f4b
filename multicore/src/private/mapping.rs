//! The short form of a map, for tasks of one argument.

use crate::call::Call;
use crate::many::map::{Map, map};

/// Calls of one task with each of these items.
pub type Mapping<'a, I, T, R> =
    Map<'static, std::iter::Map<<I as IntoIterator>::IntoIter, fn(T) -> Call<'a, R>>, R>;

/// Runs `call` with each of the items; results in order.
pub fn mapping<'a, I, T, R>(items: I, call: fn(T) -> Call<'a, R>) -> Mapping<'a, I, T, R>
where
    I: IntoIterator<Item = T>,
    R: 'static,
{
    map(items.into_iter().map(call))
}
