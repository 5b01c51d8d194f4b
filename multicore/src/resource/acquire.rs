//! Borrowing a resource: the value that there is, once it is known to be good, or a new one.

use std::any::Any;

use super::count::count;
use super::guard::ResourceGuard;
use super::scope;
use super::settle;
use super::store::{self, Found, Making};
use super::{Kind, Known, Resource, ResourceError};
use crate::shm::tally::Reuse;
use crate::sys::fault::point;

/// This thread's value of a resource, made where there is none.
///
/// # Errors
/// The maker's; or why it cannot be borrowed here.
pub fn acquire<R: Resource>() -> Result<ResourceGuard<R::Value>, ResourceError<R::Error>> {
    let (kind, name) = (R::KIND, R::RULES.name);
    if !kind.rules.client && !scope::is_of_calls() {
        return Err(ResourceError::NotInWorker { name });
    }
    loop {
        match store::find(kind) {
            Found::Value { number, value, check } => {
                if let Some(guard) = good(kind, number, value, check) {
                    return Ok(guard);
                }
            }
            Found::TooOld { number } => settle::replace(number),
            Found::Lent => return Err(ResourceError::Borrowed { name }),
            Found::InTheMaking => return Err(ResourceError::Cyclic { name }),
            Found::Over => return Err(ResourceError::Ended { name }),
            Found::Nothing => {
                let making = Making::begin(kind);
                let value = Box::new(R::make().map_err(|source| ResourceError::Make { name, source })?);
                point("resource-made");
                count(Reuse::Made);
                return Ok(ResourceGuard::new(kind, making.end(), value));
            }
        }
    }
}

/// A guard of the value, unless it is to be checked and is found dead.
fn good<T: 'static>(
    kind: &'static Kind,
    number: u64,
    value: Box<dyn Any>,
    check: bool,
) -> Option<ResourceGuard<T>> {
    // The type says which resource it is.
    let value = value.downcast::<T>().ok()?;
    let mut guard = ResourceGuard::new(kind, number, value);
    if check {
        count(Reuse::Checked);
        if !guard.passes() {
            ResourceGuard::discard(guard);
            return None;
        }
        store::is_good(number);
    }
    count(Reuse::Reused);
    Some(guard)
}
